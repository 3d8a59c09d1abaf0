import { loginForm } from "../../../test/applications/login-form.ts";
import { openShop } from "./shop.ts";

loginForm(openShop(), { afterSignIn: "/shopping-cart", open: "/", userPages: ["/account"] });
