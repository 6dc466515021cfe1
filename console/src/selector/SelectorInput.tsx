import { Autocomplete } from "@mantine/core";
import { complete } from "./complete";
import { useVocabulary } from "./vocabulary";

interface Props {
  value: string;
  onChange: (value: string) => void;
  label?: string;
  "aria-label"?: string;
  error?: string | undefined;
  description?: string | undefined;
  placeholder?: string;
  networks?: boolean;
  readOnly?: boolean;
}

/** A selector as text, with the keys and values that exist offered while typing. */
export function SelectorInput({ networks = false, ...props }: Props) {
  const vocabulary = useVocabulary();
  return (
    <Autocomplete
      {...props}
      size="xs"
      data={complete(props.value, vocabulary, networks)}
      filter={({ options }) => options}
      limit={12}
      spellCheck={false}
      styles={{
        input: { fontFamily: "var(--mantine-font-family-monospace)" },
        option: { fontFamily: "var(--mantine-font-family-monospace)", fontSize: 12 },
      }}
      comboboxProps={{ width: "max-content", position: "bottom-start", transitionProps: { duration: 0 } }}
    />
  );
}
