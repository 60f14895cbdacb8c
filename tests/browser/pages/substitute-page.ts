/** What runs in the page's world before its own scripts. */

import { installBridge } from "./substitute-bridge.js";

installBridge();
