import { createTheme, type MantineColorsTuple } from "@mantine/core";

const accent: MantineColorsTuple = [
  "#eaf2ff",
  "#d3e2fb",
  "#a6c3f4",
  "#76a2ee",
  "#5087e9",
  "#3976e6",
  "#2c6ce4",
  "#1f5bcb",
  "#1551b6",
  "#0445a0",
];

/** Bluish neutrals, lightest first, so that Mantine's dark parts match ours. */
const dark: MantineColorsTuple = [
  "#e3eaf0",
  "#b5c2cd",
  "#94a5b4",
  "#5d6f80",
  "#33424f",
  "#263340",
  "#1a2530",
  "#131c25",
  "#0f161d",
  "#0a1016",
];

export const theme = createTheme({
  primaryColor: "accent",
  colors: { accent, dark },
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: '"JetBrains Mono Variable", ui-monospace, monospace',
  fontSizes: { xs: "12px", sm: "13px", md: "13px", lg: "15px", xl: "20px" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "20px", lineHeight: "28px" },
      h2: { fontSize: "15px", lineHeight: "24px" },
      h3: { fontSize: "13px", lineHeight: "20px" },
    },
  },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  defaultRadius: 6,
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    Button: { defaultProps: { size: "xs" } },
    TextInput: { defaultProps: { size: "sm" } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: false, fz: 12, maw: 420, multiline: true } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 } } },
  },
});
