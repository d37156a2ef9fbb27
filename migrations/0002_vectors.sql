CREATE TABLE `chunk_vectors` (
	`chunk_id` integer NOT NULL,
	`embedder` text NOT NULL,
	`vector` blob NOT NULL,
	PRIMARY KEY(`chunk_id`, `embedder`)
);
