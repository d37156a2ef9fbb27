ALTER TABLE `chunks` ADD `words` text;--> statement-breakpoint
CREATE INDEX `chunks_without_words` ON `chunks` (`document_id`) WHERE words IS NULL;