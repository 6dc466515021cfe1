import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { mockController } from "./dev/mock.ts";

// `npm run dev` serves a made-up company from memory; BULKHEAD_URL=https://127.0.0.1:8443 talks to a real controller instead.
const controller = process.env.BULKHEAD_URL;

export default defineConfig(({ command }) => ({
  plugins: [react(), ...(command === "serve" && !controller ? [mockController()] : [])],
  server: controller ? { proxy: { "/api": { target: controller, secure: false } } } : {},
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 600 },
}));
