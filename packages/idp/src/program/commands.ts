// The table of commands: a line each, in the order in which help shows them.

import type { Command } from "./command.ts";
import { apiKeyCreate, apiKeyDelete, apiKeyList } from "./commands/api-key.ts";
import { applicationCreate, applicationList, applicationShow } from "./commands/application.ts";
import { doctor } from "./commands/doctor.ts";
import { keysList, keysRetire, keysRotate } from "./commands/keys.ts";
import { migrate } from "./commands/migrate.ts";
import { restored } from "./commands/restored.ts";
import { serve } from "./commands/serve.ts";
import {
  userCreate,
  userDeactivate,
  userReactivate,
  userSetPassword,
  userShow,
  userSignOut,
} from "./commands/user.ts";

/** Every command. */
export const commands: readonly Command[] = [
  serve,
  migrate,
  doctor,
  keysList,
  keysRotate,
  keysRetire,
  userCreate,
  userShow,
  userDeactivate,
  userReactivate,
  userSetPassword,
  userSignOut,
  applicationList,
  applicationCreate,
  applicationShow,
  apiKeyList,
  apiKeyCreate,
  apiKeyDelete,
  restored,
];
