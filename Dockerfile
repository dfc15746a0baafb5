# One image for every process of the suite; the command says which one it is:
#   node --enable-source-maps apps/<app>/dist/main.js
# Plain Dockerfile syntax: it builds with and without BuildKit.

FROM node:22-bookworm-slim AS manifests
WORKDIR /app
COPY . .
# What decides about dependencies, and nothing else: a change of source leaves the next stages as they were.
RUN find . -type f ! -name package.json ! -name package-lock.json -delete

FROM node:22-bookworm-slim AS installed
WORKDIR /app
COPY --from=manifests /app ./
# No dependency needs its install script to compile or to run here.
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

FROM installed AS production
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error

FROM installed AS compiled
COPY . .
# Only what runs in a container; tools are for a developer's machine.
RUN npx tsc -b apps/registry apps/health apps/saga apps/orchestrator apps/gateway examples/wedding \
 && find apps libs examples \( -name src -o -name testing \) -type d -prune -exec rm -rf {} + \
 && find apps libs examples \( -name 'tsconfig*.json' -o -name '.tsbuildinfo' -o -name '*.d.ts' -o -name '*.d.ts.map' \) -delete

FROM node:22-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000
# A new volume takes over the folder of the image that it is mounted on, and who owns it.
RUN install -d -o node -g node /var/lib/downbeat \
 && for reader in store postgres migrate nats registry health saga orchestrator gateway clients alerts; do \
      install -d -o node -g node -m 0755 "/secrets/$reader"; done \
 && install -d -o node -g node /jetstream /jetstream/store
COPY --from=production /app/node_modules ./node_modules
COPY --from=compiled /app/package.json ./
COPY --from=compiled /app/libs ./libs
COPY --from=compiled /app/apps ./apps
COPY --from=compiled /app/examples ./examples
COPY --from=compiled /app/deploy ./deploy
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "deploy/probe.mjs", "/health/live"]
