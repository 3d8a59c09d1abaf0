// Which application a registration may name. An inactive one is as good as none: nobody can sign in to it.

import { type Call, visible } from "./call.ts";
import { fieldRefusal } from "./errors.ts";
import type { Application } from "./store/records.ts";

/** The active application of this id that the caller may see; a 400 about the registration otherwise. */
export async function applicationToRegisterFor(call: Call, id: string): Promise<Application> {
  const application = visible(call, await call.provider.store.applications.find(id));
  if (application?.active !== true) throw fieldRefusal("invalid", "registration.applicationId");
  return application;
}
