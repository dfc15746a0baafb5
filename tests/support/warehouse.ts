import {
  DownbeatModule,
  DownbeatService,
  HandlesMessage,
  HandlesOperation,
} from '@downbeat/nestjs';
import { operation, topic } from '@downbeat/sdk';
import { Injectable, Module } from '@nestjs/common';
import { z } from 'zod';

export const reserve = operation('reserve', {
  input: z.object({ sku: z.string() }),
  output: z.object({ left: z.number() }),
});
export const orderPlaced = topic('order-placed', z.object({ sku: z.string() }));
export const stockLow = topic('stock-low', z.object({ sku: z.string(), left: z.number() }));

@Injectable()
export class Warehouse {
  left = 3;

  constructor(private readonly downbeat: DownbeatService) {}

  @HandlesOperation(reserve)
  reserve() {
    return { left: --this.left };
  }

  @HandlesMessage(orderPlaced, { inFlightMax: 4 })
  async placed({ sku }: z.output<typeof orderPlaced.schema>) {
    this.left--;
    await this.downbeat.publish(stockLow, { sku, left: this.left }, { priority: 'high' });
  }
}

@Module({
  imports: [
    DownbeatModule.forRoot({
      gatewayUrl: process.env['GATEWAY_URL'] ?? 'http://127.0.0.1:8080',
      natsUrl: process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222',
      service: { service_name: 'warehouse', service_version: '1.0.0' },
    }),
  ],
  providers: [Warehouse],
})
export class WarehouseModule {}
