import type { CompiledDefinition } from './compiled';

const known = new WeakMap<CompiledDefinition, readonly string[]>();

/** The services that a run may call: each once, those of undos left out, which are not new work. */
export function calledServices(definition: CompiledDefinition): readonly string[] {
  let services = known.get(definition);
  if (!services) {
    const steps = [...definition.steps.values()];
    services = [
      ...new Set(
        steps.flatMap((step) => (step.type === 'service_call' ? [step.call.service_name] : [])),
      ),
    ];
    known.set(definition, services);
  }
  return services;
}
