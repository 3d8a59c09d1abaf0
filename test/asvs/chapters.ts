/** The chapters that docs/asvs.md answers, and rows of other chapters that tests name besides. */
import type { Chapter } from "./document.ts";
import { v3 } from "./v3.ts";
import { v6 } from "./v6.ts";
import { v7 } from "./v7.ts";
import { v10, v11, v9 } from "./v9-v11.ts";

/** In the order of the standard. */
export const chapters: readonly Chapter[] = [v3, v6, v7, v9, v10, v11];

/** Rows of chapters that are not answered as a whole; tests may name them, and they are not in the document. */
export const elsewhere: readonly string[] = [
  ...rowsOf("1.1.1 1.1.2 1.2.1 1.2.2 1.2.3 1.2.4 1.3.3 1.3.6 1.3.11 1.3.12 1.5.2 1.5.3"),
  ...rowsOf("2.1.1 2.1.3 2.2.1 2.2.2 2.2.3 2.3.1 2.3.2 2.3.3 2.4.1"),
  ...rowsOf("4.1.1 4.1.2 4.1.3 4.1.4 4.2.1 4.2.5 4.4.2 4.4.3 4.4.4"),
  ...rowsOf("8.2.1 8.2.2 8.2.3 8.2.4 8.3.1 8.3.2 8.4.1"),
  ...rowsOf("12.1.1 12.1.2 12.2.1 12.2.2 12.3.1 12.3.2 12.3.3 12.3.4 12.3.5"),
  ...rowsOf(
    "13.1.1 13.1.2 13.1.3 13.2.1 13.2.2 13.2.3 13.2.4 13.2.5 13.2.6 13.3.1 13.3.2 13.3.4 13.4.1 13.4.2 13.4.3 13.4.4 13.4.5 13.4.6",
  ),
  ...rowsOf("14.1.1 14.1.2 14.2.1 14.2.2 14.2.3 14.2.5 14.2.6 14.2.7 14.3.1 14.3.2 14.3.3"),
  ...rowsOf("15.2.2 15.2.3 15.3.1 15.3.2 15.3.3 15.3.4 15.3.5 15.3.6 15.3.7 15.4.2"),
  ...rowsOf(
    "16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2 16.5.3 16.5.4",
  ),
];

function rowsOf(ids: string): string[] {
  return ids.split(" ");
}
