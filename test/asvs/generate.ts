/** `npm run asvs`: writes docs/asvs.md. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chapters } from "./chapters.ts";
import { asvsDocument } from "./document.ts";
import { taggedTests } from "./tags.ts";

writeFileSync(join(import.meta.dirname, "../../docs/asvs.md"), asvsDocument(chapters, taggedTests()));
