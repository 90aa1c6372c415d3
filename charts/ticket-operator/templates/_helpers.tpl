{{- define "ticket-operator.selector" -}}
app.kubernetes.io/name: ticket-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ticket-operator.labels" -}}
{{ include "ticket-operator.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: ticket-platform
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* The operator's rights to the objects of the platforms that it looks after, and no more. It reads Secrets one by one
by name, and only looks at pods. */ -}}
{{- define "ticket-operator.rules" -}}
- apiGroups: [ticketplatform.dev]
  resources: [ticketplatforms]
  verbs: [get, list, watch, patch]
- apiGroups: [ticketplatform.dev]
  resources: [ticketplatforms/status]
  verbs: [patch]
# Owner references that block the owner's deletion need this if OwnerReferencesPermissionEnforcement is on.
- apiGroups: [ticketplatform.dev]
  resources: [ticketplatforms/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [list, watch, create, patch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
