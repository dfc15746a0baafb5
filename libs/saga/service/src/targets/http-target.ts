import { PAYLOAD_BYTES_MAX } from '@downbeat/contracts';
import { Egress, EgressFault, ResponseTooLarge, type EgressResponse } from '@downbeat/egress';
import type { CallEnding } from '@downbeat/resilience';
import type { CallEffect, CallResult } from '@downbeat/saga-domain';
import { Injectable } from '@nestjs/common';
import { ServiceDirectory } from './service-directory';
import {
  callHeaders,
  isWell,
  messageOf,
  oversized,
  resultOfBody,
  TargetCaller,
  type CallContext,
} from './target-caller';

/** Calls an instance of a service over HTTP. The input is the body, of a GET the query string. */
@Injectable()
export class HttpTarget extends TargetCaller {
  constructor(
    private readonly directory: ServiceDirectory,
    private readonly egress: Egress,
  ) {
    super();
  }

  async call(effect: CallEffect, context: CallContext): Promise<CallResult | undefined> {
    if (!this.directory.isKnown) await this.directory.firstKnown(effect.timeoutMs);
    const address = this.directory.choose(effect.service_name, effect.key);
    if ('missing' in address)
      return { kind: 'refused', message: `${effect.service_name}: ${address.missing}` };
    let ending: CallEnding = 'abandoned';
    try {
      const result = await this.callAt(address.url, effect, context);
      if (result) ending = isWell(result) ? 'ok' : 'failed';
      return result;
    } finally {
      address.end(ending);
    }
  }

  private async callAt(
    base: string,
    effect: CallEffect,
    context: CallContext,
  ): Promise<CallResult | undefined> {
    const isGet = effect.method === 'GET';
    const url = `${base}${effect.endpoint}${isGet ? queryString(effect.input) : ''}`;
    let isHeldBack = false;
    const maySend = (): boolean => {
      isHeldBack = context.mayCall?.() === false;
      return !isHeldBack;
    };
    try {
      const answer = await this.egress.request({
        url,
        method: effect.method,
        headers: callHeaders(effect, context),
        ...(isGet ? {} : { body: JSON.stringify(effect.input) }),
        timeoutMs: effect.timeoutMs,
        bytesMax: PAYLOAD_BYTES_MAX,
        maySend,
      });
      return resultOf(answer);
    } catch (fault) {
      if (!(fault instanceof EgressFault)) throw fault;
      if (isHeldBack) return undefined;
      return resultOfFault(fault);
    }
  }
}

const isGood = (status: number): boolean => status >= 200 && status < 300;

function resultOf({ status, headers, body }: EgressResponse): CallResult {
  if (isGood(status)) return resultOfBody(body);
  const retryAfter = retryAfterMs(headers['retry-after']);
  return {
    kind: 'answer',
    status,
    message: messageOf(body),
    ...(retryAfter === undefined ? {} : { retry_after_ms: retryAfter }),
  };
}

function resultOfFault(fault: EgressFault): CallResult {
  const { message } = fault;
  switch (fault.outcome) {
    case 'not-sent':
      return { kind: 'refused', message };
    case 'answered':
      if (!(fault instanceof ResponseTooLarge)) return { kind: 'broken', message };
      // Of a refusal the status is enough.
      return isGood(fault.status) ? oversized : { kind: 'answer', status: fault.status, message };
    case 'unknown':
      return { kind: fault.code === 'egress/timed-out' ? 'timeout' : 'broken', message };
  }
}

/** @returns Milliseconds; seconds are the only form services of a saga have a use for. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : undefined;
}

function queryString(input: CallEffect['input']): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(input))
    if (value !== undefined && value !== null)
      parameters.append(key, typeof value === 'object' ? JSON.stringify(value) : String(value));
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}
