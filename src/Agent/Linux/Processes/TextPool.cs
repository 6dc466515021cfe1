using System.Text;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>Makes text of bytes, and the same text of the same bytes: thousands of short processes run a few programs. For one thread.</summary>
internal sealed class TextPool
{
    private const int Most = 4096;
    private const int Longest = 1024;

    private readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> _known = new HashSet<string>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The text that bytes are in UTF-8; at most 1,024 bytes of it.</summary>
    public string Of(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[Longest];
        text = text[..Encoding.UTF8.GetChars(bytes[..Math.Min(bytes.Length, Longest)], text)];
        if (_known.TryGetValue(text, out var same))
        {
            return same;
        }

        if (_known.Set.Count >= Most)
        {
            _known.Set.Clear();
        }

        var made = text.ToString();
        _known.Set.Add(made);
        return made;
    }
}
