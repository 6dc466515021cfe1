using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Controller.Hosting;

/// <summary>Checks that more than one slice makes; each adds what is wrong to a list.</summary>
public static class InputChecks
{
    /// <summary>The longest name.</summary>
    public const int MaxName = 128;

    /// <summary>The longest note or reason.</summary>
    public const int MaxText = 2000;

    /// <summary>A name for people: 1 to 128 characters, none of them control characters.</summary>
    public static void Name(string text, string path, ICollection<Diagnostic> problems)
    {
        if (text.Trim().Length is 0 or > MaxName || text.Any(char.IsControl))
        {
            problems.Add(Diagnostic.Error("bad-name", path, $"A name has 1 to {MaxName} characters on one line."));
        }
    }

    /// <summary>A text that must say something.</summary>
    public static void Text(string text, string path, string what, ICollection<Diagnostic> problems)
    {
        if (text.Trim().Length is 0 or > MaxText)
        {
            problems.Add(Diagnostic.Error("bad-text", path, $"{what} is required: 1 to {MaxText} characters that say why."));
        }
    }

    /// <summary>Labels whose keys exist.</summary>
    public static LabelSet Labels(IReadOnlyDictionary<string, string> labels, string path, IReadOnlySet<string> keys, ICollection<Diagnostic> problems)
    {
        foreach (var (key, value) in labels)
        {
            if (!keys.Contains(key))
            {
                problems.Add(Diagnostic.Error("unknown-label-key", $"{path}.{key}", $"There is no label key '{key}'. Known keys: {string.Join(", ", keys.Order(StringComparer.Ordinal))}. Declare it first, or correct the name."));
            }

            if (!LabelText.IsValue(value))
            {
                problems.Add(Diagnostic.Error("bad-label-value", $"{path}.{key}", $"'{value}' is not a label value. A value has 1 to {LabelText.MaxValueLength} characters, none of , | = ! * \" ( )."));
            }
        }

        return LabelSet.Of(labels.Select(pair => new Label(pair.Key, pair.Value)));
    }

    /// <summary>A CIDR, or a single address.</summary>
    public static IpPrefix? Prefix(string? text, string path, ICollection<Diagnostic> problems)
    {
        text ??= "";
        var slash = text.IndexOf('/');
        if (!IpAddress.TryParse(slash < 0 ? text : text.AsSpan(0, slash), out var address))
        {
            problems.Add(Diagnostic.Error("bad-cidr", path, $"'{text}' is not a network. Write a CIDR such as 10.1.0.0/16 or fd00:1::/64."));
            return null;
        }

        var length = address.Width;
        if (slash >= 0 && (!int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out length) || length > address.Width))
        {
            problems.Add(Diagnostic.Error("bad-cidr", path, $"'{text}': the prefix length is a number from 0 to {address.Width}."));
            return null;
        }

        if (!IpPrefix.TryCreate(address, length, out var prefix))
        {
            problems.Add(Diagnostic.Error("host-bits-set", path, $"'{text}' has bits set beyond its prefix length. Did you mean {IpPrefix.Containing(address, length)}?"));
            return null;
        }

        return prefix;
    }
}
