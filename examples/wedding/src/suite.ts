const REQUEST_MS_MAX = 20_000;

export interface RunStatus {
  readonly workflow: {
    readonly id: string;
    readonly correlation_id: string;
    readonly current_status: string;
    readonly started_at: string;
    readonly duration_ms?: number;
    readonly error_details?: { readonly step_name: string; readonly error_message: string };
  };
  readonly steps: readonly {
    readonly step_name: string;
    readonly step_type: string;
    readonly status: string;
    readonly duration_ms?: number;
    readonly retry_count: number;
    readonly error_message?: string;
  }[];
  readonly execution_timeline: readonly {
    readonly timestamp: string;
    readonly event: string;
    readonly step_name: string;
    readonly details: Readonly<Record<string, unknown>>;
  }[];
}

/** The suite answered, and the answer is no. */
export class SuiteRefused extends Error {
  override readonly name = 'SuiteRefused';

  constructor(
    readonly status: number,
    call: string,
    answer: string,
  ) {
    super(`${call}: HTTP ${status} ${answer.slice(0, 2_000)}`);
  }
}

/** What the demo asks of the gateway. */
export class Suite {
  private readonly base: string;

  constructor(gatewayUrl: string) {
    this.base = `${gatewayUrl.replace(/\/+$/, '')}/api/orchestration`;
  }

  async registerDefinition(yaml: string): Promise<void> {
    await this.ask('POST', '/workflow-definitions', yaml, 'application/yaml');
  }

  /** @returns The addresses of the healthy instances. */
  async instances(service: string): Promise<readonly string[]> {
    const answer = await this.ask('GET', `/discovery/instances?service_name=${service}`);
    return (answer as { instances: { url: string }[] }).instances.map(({ url }) => url);
  }

  /** @returns The run's id. */
  async start(bookingId: string, contextData: Readonly<Record<string, unknown>>): Promise<string> {
    const body = {
      workflow_name: 'book-wedding',
      correlation_id: bookingId,
      wedding_id: bookingId,
      initiating_service: 'demo',
      context_data: contextData,
    };
    const answer = await this.ask('POST', '/workflows', JSON.stringify(body));
    return (answer as { workflow_id: string }).workflow_id;
  }

  async status(workflowId: string): Promise<RunStatus> {
    return (await this.ask('GET', `/workflows/${workflowId}/status`)) as RunStatus;
  }

  private ask(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    contentType = 'application/json',
  ): Promise<unknown> {
    return askJson(`${this.base}${path}`, {
      method,
      ...(body !== undefined && { body, headers: { 'content-type': contentType } }),
    });
  }
}

/** @throws {SuiteRefused} The status is none of success. */
export async function askJson(url: string, request: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(REQUEST_MS_MAX) });
  const text = await response.text();
  if (!response.ok)
    throw new SuiteRefused(response.status, `${request.method ?? 'GET'} ${url}`, text);
  return JSON.parse(text);
}
