import { AuditModule } from '@downbeat/audit-service';
import { MessagingModule } from '@downbeat/messaging-service';
import { Module } from '@nestjs/common';

/** What repairs and explains the system: dead letters, and the audit of all that happened. */
@Module({ imports: [MessagingModule, AuditModule] })
export class OrchestratorModule {}
