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