//! Payloads of the family `lambda`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// Somebody asked the platform to deploy a function.
    IoKnativeLambdaCommandFunctionDeploy = "io.knative.lambda.command.function.deploy", 1;
    required {
        metadata "metadata": impl Into<serde_json::Value>,
        spec "spec": impl Into<serde_json::Value>,
    }
    optional {}
    /// Somebody asked the platform to bring an earlier revision of a function back.
    IoKnativeLambdaCommandFunctionRollback = "io.knative.lambda.command.function.rollback", 1;
    required {}
    optional {
        name "name": &str,
        namespace "namespace": &str,
        revision "revision": &str,
        /// String or null; may hold secrets or personal data.
        reason "reason": &str,
    }
    /// Somebody asked the platform to create a service for a function.
    IoKnativeLambdaCommandServiceCreate = "io.knative.lambda.command.service.create", 1;
    required {
        metadata "metadata": impl Into<serde_json::Value>,
        spec "spec": impl Into<serde_json::Value>,
    }
    optional {}
    /// Somebody asked the platform to update a service.
    IoKnativeLambdaCommandServiceUpdate = "io.knative.lambda.command.service.update", 1;
    required {
        metadata "metadata": impl Into<serde_json::Value>,
        spec "spec": impl Into<serde_json::Value>,
    }
    optional {}
    /// Somebody asked the platform to delete a service.
    IoKnativeLambdaCommandServiceDelete = "io.knative.lambda.command.service.delete", 1;
    required {}
    optional {
        name "name": &str,
        namespace "namespace": &str,
    }
    /// Somebody asked the platform to start a build.
    IoKnativeLambdaCommandBuildStart = "io.knative.lambda.command.build.start", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        force_rebuild "forceRebuild": bool,
    }
    /// Somebody asked the platform to cancel a build.
    IoKnativeLambdaCommandBuildCancel = "io.knative.lambda.command.build.cancel", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        force_rebuild "forceRebuild": bool,
    }
    /// Somebody asked the platform to try a build again.
    IoKnativeLambdaCommandBuildRetry = "io.knative.lambda.command.build.retry", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        force_rebuild "forceRebuild": bool,
    }
    /// A function came into being on the platform.
    IoKnativeLambdaLifecycleFunctionCreated = "io.knative.lambda.lifecycle.function.created", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        /// Object; of `language`, `version`, `handler`.
        runtime "runtime": impl Into<serde_json::Value>,
        /// String; such as `Pending`, `Building`, `Ready`, `Degraded`, `Deleting`.
        phase "phase": &str,
        /// Array of object; may hold secrets or personal data.
        conditions "conditions": impl Into<serde_json::Value>,
        generation "generation": u64,
        observed_generation "observedGeneration": u64,
    }
    /// The code or the settings of a function changed.
    IoKnativeLambdaLifecycleFunctionUpdated = "io.knative.lambda.lifecycle.function.updated", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        /// Object; of `language`, `version`, `handler`.
        runtime "runtime": impl Into<serde_json::Value>,
        /// String; such as `Pending`, `Building`, `Ready`, `Degraded`, `Deleting`.
        phase "phase": &str,
        /// Array of object; may hold secrets or personal data.
        conditions "conditions": impl Into<serde_json::Value>,
        generation "generation": u64,
        observed_generation "observedGeneration": u64,
    }
    /// A function is ready to be invoked.
    IoKnativeLambdaLifecycleFunctionReady = "io.knative.lambda.lifecycle.function.ready", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        /// Object; of `language`, `version`, `handler`.
        runtime "runtime": impl Into<serde_json::Value>,
        /// String; such as `Pending`, `Building`, `Ready`, `Degraded`, `Deleting`.
        phase "phase": &str,
        /// Array of object; may hold secrets or personal data.
        conditions "conditions": impl Into<serde_json::Value>,
        generation "generation": u64,
        observed_generation "observedGeneration": u64,
    }
    /// A function works no longer as it should.
    IoKnativeLambdaLifecycleFunctionDegraded = "io.knative.lambda.lifecycle.function.degraded", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        /// Object; of `language`, `version`, `handler`.
        runtime "runtime": impl Into<serde_json::Value>,
        /// String; such as `Pending`, `Building`, `Ready`, `Degraded`, `Deleting`.
        phase "phase": &str,
        /// Array of object; may hold secrets or personal data.
        conditions "conditions": impl Into<serde_json::Value>,
        generation "generation": u64,
        observed_generation "observedGeneration": u64,
    }
    /// A function was removed from the platform.
    IoKnativeLambdaLifecycleFunctionDeleted = "io.knative.lambda.lifecycle.function.deleted", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        /// Object; of `language`, `version`, `handler`.
        runtime "runtime": impl Into<serde_json::Value>,
        /// String; such as `Pending`, `Building`, `Ready`, `Degraded`, `Deleting`.
        phase "phase": &str,
        conditions "conditions": impl Into<serde_json::Value>,
        generation "generation": u64,
        observed_generation "observedGeneration": u64,
    }
    /// A build of a function began.
    IoKnativeLambdaLifecycleBuildStarted = "io.knative.lambda.lifecycle.build.started", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        job_name "jobName": &str,
        build_id "buildId": &str,
        image_uri "imageUri": &str,
        digest "digest": &str,
        started_at "startedAt": &str,
        completed_at "completedAt": &str,
        duration "duration": &str,
        phase "phase": &str,
        attempt "attempt": u64,
        progress "progress": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`.
        error "error": impl Into<serde_json::Value>,
        logs_url "logsUrl": &str,
        logs "logs": &str,
    }
    /// A build said how far it is.
    IoKnativeLambdaLifecycleBuildProgressing = "io.knative.lambda.lifecycle.build.progressing", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        job_name "jobName": &str,
        build_id "buildId": &str,
        image_uri "imageUri": &str,
        digest "digest": &str,
        started_at "startedAt": &str,
        completed_at "completedAt": &str,
        duration "duration": &str,
        phase "phase": &str,
        attempt "attempt": u64,
        progress "progress": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`.
        error "error": impl Into<serde_json::Value>,
        logs_url "logsUrl": &str,
        logs "logs": &str,
    }
    /// A build gave an image.
    IoKnativeLambdaLifecycleBuildCompleted = "io.knative.lambda.lifecycle.build.completed", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        job_name "jobName": &str,
        build_id "buildId": &str,
        image_uri "imageUri": &str,
        digest "digest": &str,
        started_at "startedAt": &str,
        completed_at "completedAt": &str,
        duration "duration": &str,
        phase "phase": &str,
        attempt "attempt": u64,
        progress "progress": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`.
        error "error": impl Into<serde_json::Value>,
        logs_url "logsUrl": &str,
        logs "logs": &str,
    }
    /// A build ended in an error.
    IoKnativeLambdaLifecycleBuildFailed = "io.knative.lambda.lifecycle.build.failed", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        job_name "jobName": &str,
        build_id "buildId": &str,
        image_uri "imageUri": &str,
        digest "digest": &str,
        started_at "startedAt": &str,
        completed_at "completedAt": &str,
        duration "duration": &str,
        phase "phase": &str,
        attempt "attempt": u64,
        progress "progress": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        logs_url "logsUrl": &str,
        logs "logs": &str,
    }
    /// A build was given up because it took too long.
    IoKnativeLambdaLifecycleBuildTimeout = "io.knative.lambda.lifecycle.build.timeout", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        job_name "jobName": &str,
        build_id "buildId": &str,
        image_uri "imageUri": &str,
        digest "digest": &str,
        started_at "startedAt": &str,
        completed_at "completedAt": &str,
        duration "duration": &str,
        phase "phase": &str,
        attempt "attempt": u64,
        progress "progress": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        logs_url "logsUrl": &str,
        logs "logs": &str,
    }
    /// A build was cancelled before its end.
    IoKnativeLambdaLifecycleBuildCancelled = "io.knative.lambda.lifecycle.build.cancelled", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        job_name "jobName": &str,
        build_id "buildId": &str,
        image_uri "imageUri": &str,
        digest "digest": &str,
        started_at "startedAt": &str,
        completed_at "completedAt": &str,
        duration "duration": &str,
        phase "phase": &str,
        attempt "attempt": u64,
        progress "progress": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        logs_url "logsUrl": &str,
        logs "logs": &str,
    }
    /// A service for a function came into being.
    IoKnativeLambdaLifecycleServiceCreated = "io.knative.lambda.lifecycle.service.created", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        service_name "serviceName": &str,
        url "url": &str,
        latest_revision "latestRevision": &str,
        latest_ready_revision "latestReadyRevision": &str,
        ready "ready": bool,
        /// Object; of `desired`, `ready`, `available`.
        replicas "replicas": impl Into<serde_json::Value>,
        traffic "traffic": impl Into<serde_json::Value>,
    }
    /// A service got a new revision.
    IoKnativeLambdaLifecycleServiceUpdated = "io.knative.lambda.lifecycle.service.updated", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        service_name "serviceName": &str,
        url "url": &str,
        latest_revision "latestRevision": &str,
        latest_ready_revision "latestReadyRevision": &str,
        ready "ready": bool,
        /// Object; of `desired`, `ready`, `available`.
        replicas "replicas": impl Into<serde_json::Value>,
        traffic "traffic": impl Into<serde_json::Value>,
    }
    /// A service can be reached.
    IoKnativeLambdaLifecycleServiceReady = "io.knative.lambda.lifecycle.service.ready", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        service_name "serviceName": &str,
        url "url": &str,
        latest_revision "latestRevision": &str,
        latest_ready_revision "latestReadyRevision": &str,
        ready "ready": bool,
        /// Object; of `desired`, `ready`, `available`.
        replicas "replicas": impl Into<serde_json::Value>,
        traffic "traffic": impl Into<serde_json::Value>,
    }
    /// The number of a service's replicas changed.
    IoKnativeLambdaLifecycleServiceScaled = "io.knative.lambda.lifecycle.service.scaled", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        service_name "serviceName": &str,
        url "url": &str,
        latest_revision "latestRevision": &str,
        latest_ready_revision "latestReadyRevision": &str,
        ready "ready": bool,
        /// Object; of `desired`, `ready`, `available`.
        replicas "replicas": impl Into<serde_json::Value>,
        traffic "traffic": impl Into<serde_json::Value>,
    }
    /// A service was removed.
    IoKnativeLambdaLifecycleServiceDeleted = "io.knative.lambda.lifecycle.service.deleted", 1;
    required {
        name "name": &str,
    }
    optional {
        namespace "namespace": &str,
        service_name "serviceName": &str,
        url "url": &str,
        latest_revision "latestRevision": &str,
        latest_ready_revision "latestReadyRevision": &str,
        ready "ready": bool,
        /// Object; of `desired`, `ready`, `available`.
        replicas "replicas": impl Into<serde_json::Value>,
        traffic "traffic": impl Into<serde_json::Value>,
    }
    /// A function was called by somebody who waits for the answer.
    IoKnativeLambdaInvokeSync = "io.knative.lambda.invoke.sync", 1;
    required {}
    optional {
        function_name "functionName": &str,
        namespace "namespace": &str,
        invocation_id "invocationId": &str,
        correlation_id "correlationId": &str,
        context_id "contextId": &str,
        timeout "timeout": &str,
        /// Any; may hold secrets or personal data.
        payload "payload": impl Into<serde_json::Value>,
        /// Object; of `traceId`, `spanId`, `retryCount`, `deadlineAt`.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// A function was called by somebody who does not wait.
    IoKnativeLambdaInvokeAsync = "io.knative.lambda.invoke.async", 1;
    required {}
    optional {
        function_name "functionName": &str,
        namespace "namespace": &str,
        invocation_id "invocationId": &str,
        correlation_id "correlationId": &str,
        context_id "contextId": &str,
        timeout "timeout": &str,
        /// Any; may hold secrets or personal data.
        payload "payload": impl Into<serde_json::Value>,
        /// Object; of `traceId`, `spanId`, `retryCount`, `deadlineAt`.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// A function was called because its time had come.
    IoKnativeLambdaInvokeScheduled = "io.knative.lambda.invoke.scheduled", 1;
    required {}
    optional {
        function_name "functionName": &str,
        namespace "namespace": &str,
        invocation_id "invocationId": &str,
        correlation_id "correlationId": &str,
        context_id "contextId": &str,
        timeout "timeout": &str,
        /// Any; may hold secrets or personal data.
        payload "payload": impl Into<serde_json::Value>,
        /// Object; of `traceId`, `spanId`, `retryCount`, `deadlineAt`.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// A function was called again after a failure.
    IoKnativeLambdaInvokeRetry = "io.knative.lambda.invoke.retry", 1;
    required {}
    optional {
        function_name "functionName": &str,
        namespace "namespace": &str,
        invocation_id "invocationId": &str,
        correlation_id "correlationId": &str,
        context_id "contextId": &str,
        timeout "timeout": &str,
        /// Any; may hold secrets or personal data.
        payload "payload": impl Into<serde_json::Value>,
        /// Object; of `traceId`, `spanId`, `retryCount`, `deadlineAt`.
        metadata "metadata": impl Into<serde_json::Value>,
    }
    /// A function answered.
    IoKnativeLambdaResponseSuccess = "io.knative.lambda.response.success", 1;
    required {}
    optional {
        function_name "functionName": &str,
        namespace "namespace": &str,
        invocation_id "invocationId": &str,
        correlation_id "correlationId": &str,
        status_code "statusCode": u64,
        /// Any; may hold secrets or personal data.
        body "body": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        headers "headers": impl Into<serde_json::Value>,
        /// Object; of `statusCode`, `body`; may hold secrets or personal data.
        result "result": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`.
        error "error": impl Into<serde_json::Value>,
        error_type "errorType": &str,
        stack_trace "stackTrace": impl Into<serde_json::Value>,
        duration "duration": &str,
        /// Object; of `durationMs`, `coldStart`, `memoryUsedMb`.
        metrics "metrics": impl Into<serde_json::Value>,
        /// Object; of `routed`, `queueName`, `routedAt`.
        dlq "dlq": impl Into<serde_json::Value>,
    }
    /// A function ended in an error.
    IoKnativeLambdaResponseError = "io.knative.lambda.response.error", 1;
    required {}
    optional {
        function_name "functionName": &str,
        namespace "namespace": &str,
        invocation_id "invocationId": &str,
        correlation_id "correlationId": &str,
        status_code "statusCode": u64,
        /// Any; may hold secrets or personal data.
        body "body": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        headers "headers": impl Into<serde_json::Value>,
        /// Object; of `statusCode`, `body`.
        result "result": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        error_type "errorType": &str,
        /// Any; may hold secrets or personal data.
        stack_trace "stackTrace": impl Into<serde_json::Value>,
        duration "duration": &str,
        /// Object; of `durationMs`, `coldStart`, `memoryUsedMb`.
        metrics "metrics": impl Into<serde_json::Value>,
        /// Object; of `routed`, `queueName`, `routedAt`.
        dlq "dlq": impl Into<serde_json::Value>,
    }
    /// A function gave no answer in time.
    IoKnativeLambdaResponseTimeout = "io.knative.lambda.response.timeout", 1;
    required {}
    optional {
        function_name "functionName": &str,
        namespace "namespace": &str,
        invocation_id "invocationId": &str,
        correlation_id "correlationId": &str,
        status_code "statusCode": u64,
        body "body": impl Into<serde_json::Value>,
        headers "headers": impl Into<serde_json::Value>,
        /// Object; of `statusCode`, `body`.
        result "result": impl Into<serde_json::Value>,
        /// Object or string or null; of `type`, `code`, `message`, `retryable`, `stack`, `stackTrace`, `details`; may hold secrets or personal data.
        error "error": impl Into<serde_json::Value>,
        error_type "errorType": &str,
        stack_trace "stackTrace": impl Into<serde_json::Value>,
        duration "duration": &str,
        /// Object; of `durationMs`, `coldStart`, `memoryUsedMb`.
        metrics "metrics": impl Into<serde_json::Value>,
        /// Object; of `routed`, `queueName`, `routedAt`.
        dlq "dlq": impl Into<serde_json::Value>,
    }
    /// The platform raised an alarm that cannot wait.
    IoKnativeLambdaNotificationAlertCritical = "io.knative.lambda.notification.alert.critical", 1;
    required {}
    optional {
        alert_name "alertName": &str,
        severity "severity": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        labels "labels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        annotations "annotations": impl Into<serde_json::Value>,
        starts_at "startsAt": &str,
        ends_at "endsAt": &str,
    }
    /// The platform warned of something.
    IoKnativeLambdaNotificationAlertWarning = "io.knative.lambda.notification.alert.warning", 1;
    required {}
    optional {
        alert_name "alertName": &str,
        severity "severity": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        labels "labels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        annotations "annotations": impl Into<serde_json::Value>,
        starts_at "startsAt": &str,
        ends_at "endsAt": &str,
    }
    /// The platform announced something worth knowing.
    IoKnativeLambdaNotificationAlertInfo = "io.knative.lambda.notification.alert.info", 1;
    required {}
    optional {
        alert_name "alertName": &str,
        severity "severity": &str,
        summary "summary": &str,
        /// String; may hold secrets or personal data.
        description "description": &str,
        labels "labels": impl Into<serde_json::Value>,
        /// Object; may hold secrets or personal data.
        annotations "annotations": impl Into<serde_json::Value>,
        starts_at "startsAt": &str,
        ends_at "endsAt": &str,
    }
    /// Somebody used a resource of the platform.
    IoKnativeLambdaNotificationAuditAccess = "io.knative.lambda.notification.audit.access", 1;
    required {}
    optional {
        action "action": &str,
        resource "resource": &str,
        resource_name "resourceName": &str,
        namespace "namespace": &str,
        user "user": &str,
        /// String; may hold secrets or personal data.
        reason "reason": &str,
        /// Any; may hold secrets or personal data.
        details "details": impl Into<serde_json::Value>,
        timestamp "timestamp": &str,
    }
    /// Somebody changed a resource of the platform.
    IoKnativeLambdaNotificationAuditChange = "io.knative.lambda.notification.audit.change", 1;
    required {}
    optional {
        action "action": &str,
        resource "resource": &str,
        resource_name "resourceName": &str,
        namespace "namespace": &str,
        user "user": &str,
        /// String; may hold secrets or personal data.
        reason "reason": &str,
        /// Any; may hold secrets or personal data.
        details "details": impl Into<serde_json::Value>,
        timestamp "timestamp": &str,
    }
}
