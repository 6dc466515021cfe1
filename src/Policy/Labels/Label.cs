namespace Bulkhead.Policy.Labels;

/// <summary>One <c>key=value</c> in people's own words.</summary>
/// <param name="Key">As <see cref="LabelText.IsKey"/> accepts.</param>
/// <param name="Value">As <see cref="LabelText.IsValue"/> accepts.</param>
public readonly record struct Label(string Key, string Value) : IComparable<Label>
{
    /// <inheritdoc/>
    public int CompareTo(Label other) =>
        string.CompareOrdinal(Key, other.Key) is var order and not 0 ? order : string.CompareOrdinal(Value, other.Value);

    /// <inheritdoc/>
    public override string ToString() => $"{Key}={Value}";
}

/// <summary>What may stand in label keys and values, and the keys that every installation has.</summary>
public static class LabelText
{
    /// <summary>The keys that need no declaration: role, app, env, loc.</summary>
    public static IReadOnlyList<string> BuiltInKeys { get; } = ["role", "app", "env", "loc"];

    /// <summary>The longest value, in characters.</summary>
    public const int MaxValueLength = 128;

    /// <summary>1 to 63 lower-case letters, digits, <c>. _ -</c>; the first a letter.</summary>
    public static bool IsKey(ReadOnlySpan<char> key)
    {
        if (key.Length is 0 or > 63 || !char.IsAsciiLetterLower(key[0]))
        {
            return false;
        }

        foreach (var c in key)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('.' or '_' or '-'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>1 to 128 characters: no control characters, none of <c>, | = ! * " ( )</c>, no <c>@</c> first, no white space at either end.</summary>
    public static bool IsValue(ReadOnlySpan<char> value)
    {
        if (value.Length is 0 or > MaxValueLength || value[0] == '@' || char.IsWhiteSpace(value[0]) || char.IsWhiteSpace(value[^1]))
        {
            return false;
        }

        foreach (var c in value)
        {
            if (char.IsControl(c) || c is ',' or '|' or '=' or '!' or '*' or '"' or '(' or ')')
            {
                return false;
            }
        }

        return true;
    }
}
