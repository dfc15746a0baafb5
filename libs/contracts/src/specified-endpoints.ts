/** An endpoint of the specification of the suite: paths and names of fields are the contract. */
export interface SpecifiedEndpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/orchestration`. */
  readonly path: string;
  /** Fields of the body or the query, apart by white space; a dot goes into an object, `[]` into the items of a list. */
  readonly asks?: string;
  /** Fields of the answer, written the same. */
  readonly answers?: string;
}

/** The fields that a list of them names. */
export const fieldsIn = (list: string | undefined): readonly string[] =>
  (list ?? '').split(/\s+/).filter(Boolean);

export const titleOf = ({ method, path }: Pick<SpecifiedEndpoint, 'method' | 'path'>): string =>
  `${method} ${path}`;

const SERVICE = `service_name service_version service_type service_description deployment_environment
  base_url health_check_endpoint metrics_endpoint dependencies configuration_schema
  resource_requirements.cpu_limit resource_requirements.memory_limit resource_requirements.storage_limit
  scaling_config.min_replicas scaling_config.max_replicas scaling_config.target_cpu_percent`;

const POLICY = 'policy_name policy_type source_services target_services policy_config priority';

/** All of them, in its order; `docs/api-coverage.md` says which are served. */
export const specifiedEndpoints: readonly SpecifiedEndpoint[] = [
  {
    method: 'GET',
    path: '/services',
    answers: `services[].id services[].service_name services[].service_version services[].service_type
      services[].deployment_environment services[].health_status services[].instance_count
      services[].healthy_instances services[].dependencies services[].resource_usage.cpu_percent
      services[].resource_usage.memory_mb services[].resource_usage.requests_per_minute
      services[].last_deployment total_services healthy_services`,
  },
  { method: 'POST', path: '/services', asks: SERVICE },
  {
    method: 'PUT',
    path: '/services/{service_id}',
    asks: SERVICE.replace('service_name ', ''),
  },
  {
    method: 'GET',
    path: '/services/{service_id}/instances',
    answers: `instances[].id instances[].instance_id instances[].node_name instances[].ip_address
      instances[].port instances[].status instances[].version instances[].resource_usage.cpu_percent
      instances[].resource_usage.memory_mb instances[].resource_usage.disk_mb
      instances[].health_check_failures instances[].started_at instances[].last_seen_at total_count`,
  },
  {
    method: 'POST',
    path: '/services/{service_id}/instances',
    asks: 'instance_id node_name ip_address port version metadata',
  },
  {
    method: 'DELETE',
    path: '/services/{service_id}/instances/{instance_id}',
  },
  {
    method: 'GET',
    path: '/workflows',
    answers: `workflows[].id workflows[].workflow_name workflows[].workflow_version
      workflows[].correlation_id workflows[].wedding_id workflows[].initiating_service
      workflows[].current_status workflows[].current_step workflows[].total_steps
      workflows[].progress_percentage workflows[].started_at workflows[].completed_at
      workflows[].duration_ms status_summary.pending status_summary.running
      status_summary.completed status_summary.failed status_summary.compensating`,
  },
  {
    method: 'POST',
    path: '/workflows',
    asks: `workflow_name workflow_version correlation_id wedding_id initiating_service context_data
      timeout_minutes`,
    answers: 'workflow_id correlation_id status estimated_duration_minutes',
  },
  {
    method: 'GET',
    path: '/workflows/{workflow_id}/status',
    answers: `workflow.id workflow.workflow_name workflow.current_status workflow.current_step
      workflow.total_steps workflow.context_data workflow.started_at workflow.completed_at
      workflow.timeout_at workflow.error_details.step_name workflow.error_details.error_message
      workflow.error_details.retry_count steps[].id steps[].step_name steps[].step_type
      steps[].step_order steps[].service_name steps[].status steps[].input_data steps[].output_data
      steps[].started_at steps[].completed_at steps[].duration_ms steps[].retry_count
      steps[].error_message execution_timeline[].timestamp execution_timeline[].event
      execution_timeline[].step_name execution_timeline[].details`,
  },
  {
    method: 'POST',
    path: '/workflows/{workflow_id}/compensate',
    asks: 'reason compensation_strategy custom_steps',
  },
  {
    method: 'POST',
    path: '/workflows/{workflow_id}/retry',
    asks: 'retry_strategy from_step max_retries',
  },
  {
    method: 'GET',
    path: '/mesh/policies',
    answers: `policies[].id policies[].policy_name policies[].policy_type policies[].source_services
      policies[].target_services policies[].is_enabled policies[].priority policies[].created_at
      policies[].applied_instances policies[].policy_summary policy_types[].type
      policy_types[].count policy_types[].enabled_count`,
  },
  { method: 'POST', path: '/mesh/policies', asks: POLICY },
  { method: 'PUT', path: '/mesh/policies/{policy_id}', asks: POLICY },
  {
    method: 'POST',
    path: '/mesh/policies/{policy_id}/apply',
    answers: `policy_id applied_to_services applied_to_instances application_status errors[].service
      errors[].instance errors[].error`,
  },
  {
    method: 'GET',
    path: '/circuit-breakers',
    answers: `circuit_breakers[].id circuit_breakers[].service_name circuit_breakers[].target_service
      circuit_breakers[].endpoint_pattern circuit_breakers[].current_state
      circuit_breakers[].failure_count circuit_breakers[].success_count
      circuit_breakers[].failure_threshold circuit_breakers[].last_failure_at
      circuit_breakers[].state_changed_at circuit_breakers[].next_attempt_at
      circuit_breakers[].state_duration_seconds state_summary.closed state_summary.open
      state_summary.half_open`,
  },
  {
    method: 'POST',
    path: '/circuit-breakers',
    asks: `service_name target_service endpoint_pattern failure_threshold success_threshold
      timeout_duration`,
  },
  { method: 'PUT', path: '/circuit-breakers/{breaker_id}/reset', asks: 'reason force' },
  {
    method: 'GET',
    path: '/circuit-breakers/{breaker_id}/metrics',
    answers: `metrics.total_requests_24h metrics.failed_requests_24h metrics.success_rate_24h
      metrics.state_changes_24h metrics.average_failure_duration_minutes state_history[].timestamp
      state_history[].from_state state_history[].to_state state_history[].trigger
      failure_patterns[].hour failure_patterns[].failure_count failure_patterns[].total_requests
      failure_patterns[].failure_rate`,
  },
  {
    method: 'GET',
    path: '/traces',
    answers: `traces[].trace_id traces[].root_service traces[].operation_name traces[].start_time
      traces[].duration_ms traces[].span_count traces[].service_count traces[].error_count
      traces[].status traces[].tags trace_stats.total_traces trace_stats.avg_duration_ms
      trace_stats.error_rate trace_stats.services_involved`,
  },
  {
    method: 'GET',
    path: '/traces/{trace_id}',
    answers: `trace.trace_id trace.total_duration_ms trace.span_count trace.service_count
      trace.start_time trace.end_time trace.root_operation trace.status trace.error_message
      spans[].span_id spans[].parent_span_id spans[].operation_name spans[].service_name
      spans[].span_kind spans[].start_time spans[].duration_microseconds spans[].status_code
      spans[].tags spans[].logs[].timestamp spans[].logs[].level spans[].logs[].message
      spans[].logs[].fields spans[].children service_map[].source_service
      service_map[].target_service service_map[].request_count service_map[].error_count
      service_map[].avg_duration_ms`,
  },
  {
    method: 'GET',
    path: '/traces/search',
    asks: `service_name operation_name tags duration_min_ms duration_max_ms start_time end_time
      has_errors limit offset`,
  },
  {
    method: 'GET',
    path: '/observability/service-map',
    answers: `services[].service_name services[].service_type services[].instance_count
      services[].health_status services[].request_rate_per_minute services[].error_rate
      services[].avg_response_time_ms services[].position.x services[].position.y
      connections[].source_service connections[].target_service connections[].request_count_1h
      connections[].error_count_1h connections[].avg_latency_ms connections[].connection_strength
      connections[].protocol dependency_graph.critical_paths[].path
      dependency_graph.critical_paths[].failure_impact_score
      dependency_graph.circular_dependencies`,
  },
  {
    method: 'GET',
    path: '/messages/queues',
    answers: `queues[].id queues[].queue_name queues[].queue_type queues[].message_count
      queues[].consumer_count queues[].producer_count queues[].messages_per_minute
      queues[].avg_processing_time_ms queues[].dlq_message_count queues[].retention_hours
      queues[].is_active queue_stats.total_queues queue_stats.total_messages_processed_1h
      queue_stats.avg_processing_time_ms queue_stats.failed_message_rate`,
  },
  {
    method: 'POST',
    path: '/messages/queues',
    asks: `queue_name queue_type message_pattern producer_services consumer_services retention_hours
      max_message_size dlq_enabled dlq_max_retries monitoring_config.alert_on_backlog
      monitoring_config.alert_on_processing_time`,
  },
  {
    method: 'GET',
    path: '/messages/queues/{queue_name}/messages',
    answers: `messages[].id messages[].message_id messages[].correlation_id
      messages[].producer_service messages[].consumer_service messages[].message_type
      messages[].message_size_bytes messages[].status messages[].retry_count
      messages[].processing_time_ms messages[].error_message messages[].produced_at
      messages[].consumed_at messages[].headers queue_metrics.total_messages
      queue_metrics.pending_messages queue_metrics.processing_messages
      queue_metrics.failed_messages queue_metrics.average_age_seconds`,
  },
  {
    method: 'POST',
    path: '/messages/send',
    asks: `queue_name message_type message_payload correlation_id headers delay_seconds ttl_seconds`,
    answers: 'message_id queue_name status estimated_processing_time',
  },
];
