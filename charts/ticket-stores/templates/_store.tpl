{{/* What the five stores have in common. Each takes (dict "root" $ "name" "postgres" ...). */}}

{{- define "store.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "store.labels" -}}
{{ include "store.selector" . }}
app.kubernetes.io/part-of: ticket-stores
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* A restart of the pod applies changed scripts and passwords; a change of either therefore replaces it. */}}
{{- define "store.podMetadata" -}}
labels:
  {{- include "store.labels" . | nindent 2 }}
annotations:
  ticketplatform.dev/scripts: {{ (.root.Files.Glob (printf "files/%s/*" .name)).AsConfig | sha256sum | trunc 12 | quote }}
{{- end }}

{{/* Service links would set KAFKA_PORT and the like, which the stores take for their own settings. */}}
{{- define "store.pod" -}}
enableServiceLinks: false
automountServiceAccountToken: false
terminationGracePeriodSeconds: 30
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "store.container" -}}
image: {{ printf "%s/%s:%s" .root.Values.images.registry .name .root.Values.images.tag | quote }}
imagePullPolicy: {{ .root.Values.images.pullPolicy }}
command: [/bin/bash, /etc/ticket-stores/start.sh]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources:
  {{- toYaml (index .root.Values .name).resources | nindent 2 }}
{{- end }}

{{- define "store.mounts" -}}
- {name: scripts, mountPath: /etc/ticket-stores, readOnly: true}
- {name: temporary, mountPath: /tmp}
{{- end }}

{{- define "store.volumes" -}}
- name: scripts
  configMap: {name: {{ .name }}-scripts}
- name: temporary
  emptyDir: {}
{{- end }}

{{/* Passwords of the named secrets, at /etc/ticket-platform/secrets/NAME/password. */}}
{{- define "store.secretVolume" -}}
- name: secrets
  projected:
    sources:
      {{- range .secrets }}
      - secret:
          name: {{ . }}
          items: [{key: password, path: {{ . }}/password}]
      {{- end }}
{{- end }}

{{- define "store.claim" -}}
- metadata:
    name: data
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .root.Values.storageClass }}
    storageClassName: {{ . | quote }}
    {{- end }}
    resources:
      requests: {storage: {{ (index .root.Values .name).storage }}}
{{- end }}
