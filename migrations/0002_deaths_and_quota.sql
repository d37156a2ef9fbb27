ALTER TABLE `store_files` RENAME COLUMN "attempts" TO "deaths";--> statement-breakpoint
ALTER TABLE `idempotency` ADD `bytes` integer DEFAULT 1024 NOT NULL;