/** The names this page puts into telemetry; each stands in catalogue/nestr.yaml or in OpenTelemetry's conventions. */
export const span = {
  compress: 'ui.compress',
} as const

export const attribute = {
  serviceName: 'service.name',
  serviceNamespace: 'service.namespace',
  serviceInstanceId: 'service.instance.id',
  httpMethod: 'http.request.method',
  httpRoute: 'url.template',
  httpStatus: 'http.response.status_code',
  errorType: 'error.type',
} as const
