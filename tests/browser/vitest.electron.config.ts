import { defineConfig, mergeConfig } from "vitest/config";

import base from "./vitest.config.js";

const config = mergeConfig(base, defineConfig({}));
config.test.projects = undefined;
config.test.include = ["electron/**/*.test.ts"];
config.test.fileParallelism = false;

export default config;
