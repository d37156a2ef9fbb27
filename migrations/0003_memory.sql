ALTER TABLE `stores` ADD `revision` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `purges` integer DEFAULT 0 NOT NULL;