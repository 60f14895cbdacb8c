import { defineConfig, mergeConfig } from "vitest/config";

import base from "./vitest.config.js";

const config = mergeConfig(base, defineConfig({}));
config.test.include = ["electron/**/*.test.ts"];

export default config;
