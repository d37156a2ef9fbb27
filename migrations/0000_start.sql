CREATE TABLE `api_keys` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`start` text NOT NULL,
	`scopes` text NOT NULL,
	`requests_per_minute` integer NOT NULL,
	`concurrency` integer NOT NULL,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_by_hash` ON `api_keys` (`hash`);--> statement-breakpoint
CREATE TABLE `batches` (
	`id` text PRIMARY KEY NOT NULL,
	`store_id` text NOT NULL,
	`cancelled` integer DEFAULT false NOT NULL,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `batches_by_store` ON `batches` (`store_id`);--> statement-breakpoint
CREATE TABLE `chunk_tokens` (
	`chunk_id` integer NOT NULL,
	`tokenizer` text NOT NULL,
	`ids` blob NOT NULL,
	PRIMARY KEY(`chunk_id`, `tokenizer`)
);
--> statement-breakpoint
CREATE TABLE `chunk_vectors` (
	`chunk_id` integer NOT NULL,
	`embedder` text NOT NULL,
	`vector` blob NOT NULL,
	PRIMARY KEY(`chunk_id`, `embedder`)
);
--> statement-breakpoint
CREATE TABLE `chunks` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`document_id` integer NOT NULL,
	`title` text NOT NULL,
	`heading` text NOT NULL,
	`text` text NOT NULL,
	`start` integer NOT NULL,
	`end` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `chunks_by_document` ON `chunks` (`document_id`);--> statement-breakpoint
CREATE TABLE `documents` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant_id` integer NOT NULL,
	`key` text NOT NULL,
	`complete` integer DEFAULT false NOT NULL,
	`text_bytes` integer DEFAULT 0 NOT NULL,
	`notice` text,
	`embedder` text,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `documents_by_key` ON `documents` (`tenant_id`,`key`);--> statement-breakpoint
CREATE TABLE `files` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`filename` text NOT NULL,
	`bytes` integer NOT NULL,
	`purpose` text NOT NULL,
	`content_type` text NOT NULL,
	`content_hash` text NOT NULL,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL
);
--> statement-breakpoint
CREATE INDEX `files_by_tenant` ON `files` (`tenant_id`,`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `idempotency` (
	`tenant_id` integer NOT NULL,
	`key` text NOT NULL,
	`request` text NOT NULL,
	`response` text,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL,
	PRIMARY KEY(`tenant_id`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_by_age` ON `idempotency` (`created_at`);--> statement-breakpoint
CREATE TABLE `store_files` (
	`store_id` text NOT NULL,
	`file_id` text NOT NULL,
	`tenant_id` integer NOT NULL,
	`batch_id` text,
	`status` text DEFAULT 'in_progress' NOT NULL,
	`error_code` text,
	`error_message` text,
	`attempts` integer DEFAULT 0 NOT NULL,
	`document_id` integer,
	`chunk_tokens` integer,
	`overlap_tokens` integer,
	`attributes` text,
	`usage_bytes` integer DEFAULT 0 NOT NULL,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL,
	PRIMARY KEY(`store_id`, `file_id`)
);
--> statement-breakpoint
CREATE INDEX `store_files_by_file` ON `store_files` (`file_id`);--> statement-breakpoint
CREATE INDEX `store_files_by_document` ON `store_files` (`document_id`,`store_id`);--> statement-breakpoint
CREATE INDEX `store_files_by_batch` ON `store_files` (`batch_id`);--> statement-breakpoint
CREATE INDEX `store_files_waiting` ON `store_files` (`tenant_id`,`status`,`created_at`);--> statement-breakpoint
CREATE TABLE `stores` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` integer NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`metadata` text,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL,
	`last_active_at` integer DEFAULT (unixepoch()) NOT NULL,
	`expires_after_days` integer,
	`revision` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `stores_by_tenant` ON `stores` (`tenant_id`,`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `tenants` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`name` text NOT NULL,
	`purges` integer DEFAULT 0 NOT NULL,
	`created_at` integer DEFAULT (unixepoch()) NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tenants_name` ON `tenants` (`name`);--> statement-breakpoint
CREATE TABLE `vectorized` (
	`store_id` text NOT NULL,
	`document_id` integer NOT NULL,
	`tenant_id` integer NOT NULL,
	`embedder` text NOT NULL,
	`chunk_ids` text NOT NULL,
	`complete` integer DEFAULT false NOT NULL,
	PRIMARY KEY(`store_id`, `document_id`)
);
--> statement-breakpoint
CREATE INDEX `vectorized_by_tenant` ON `vectorized` (`tenant_id`);