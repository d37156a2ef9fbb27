/** `npx espalier draft --help`: both verbs, whichever process runs them. */
export const DRAFT_HELP = `Usage:
  npx espalier draft add FOLDER | FILE.gguf | OWNER/NAME | SHORT-NAME
                         [--layers N] [--remote | --state DIR]
      Gives workers a small model to draft with, for targets of the same tokenizer, in
      place of the one before. --layers takes its first N layers. It goes into the bucket
      of \`npm start\`, or with --remote into the deployed one.
  npx espalier draft train MODEL [--kind feature|hydra|kangaroo|ppd|swift|model] [--out FILE]
                           [--text FOLDER] [--python PROGRAM] [-- OPTIONS OF THE RECIPE]
      Trains what drafts for MODEL (as in \`model add\`) and says how to use it.
      The model writes the answers that it learns from, and by default half of the
      questions. --text FOLDER adds questions about your own texts. feature, the default, is
      a layer that continues the model's hidden states; hydra is a few heads over them;
      kangaroo is a layer that follows its first layers; ppd is a few embeddings that it
      reads after a text; swift is a list of the model's own blocks that it drafts without,
      searched for and not trained; model is a small model by itself, small enough for
      workers, and FILE its folder. By default writing and learning take 44 minutes
      (feature, kangaroo, model), 23 (hydra) or 15 (ppd), and swift writes for one and
      searches: processor time, or on a GPU time that passes. Options of the recipe are
      --write-minutes, --train-minutes, --threads and others: see docs/drafters.md.`;
