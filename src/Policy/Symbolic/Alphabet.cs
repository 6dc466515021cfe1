using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Symbolic;

/// <summary>
/// Numbers for the strings that policy mentions, so that sets of them are compared fast. Label keys have numbers of their own. A number says
/// nothing about order; whatever is shown is ordered by text.
/// </summary>
internal sealed class Alphabet
{
    /// <summary>The number of "has no such label", or of a process whose path or unit nobody asks for.</summary>
    public const int Absent = 0;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<string?> _texts = [null];
    private readonly Dictionary<string, int> _keys = new(StringComparer.Ordinal);
    private readonly List<string> _keyTexts = [];
    private readonly List<HashSet<int>> _inUse = [];
    private readonly List<int> _fresh = [];

    /// <summary>The label keys that are mentioned, by number.</summary>
    public IReadOnlyList<string> Keys => _keyTexts;

    /// <summary>The number of a text.</summary>
    public int Of(string text)
    {
        if (!_ids.TryGetValue(text, out var id))
        {
            id = Add(text);
        }

        return id;
    }

    /// <summary>The text of a number; null for <see cref="Absent"/>.</summary>
    public string? Text(int id) => _texts[id];

    /// <summary>The number of a label key.</summary>
    public int Key(string key)
    {
        if (!_keys.TryGetValue(key, out var number))
        {
            number = _keyTexts.Count;
            _keys.Add(key, number);
            _keyTexts.Add(key);
            _inUse.Add([]);
        }

        return number;
    }

    /// <summary>The number of a label's value, which then counts as in use for its key.</summary>
    public int Value(int key, string value)
    {
        var id = Of(value);
        _inUse[key].Add(id);
        return id;
    }

    /// <summary>Takes the labels of real workloads as in use.</summary>
    public void Use(LabelSet labels)
    {
        foreach (var (key, value) in labels.Labels)
        {
            Value(Key(key), value);
        }
    }

    /// <summary>The values in use for a key, in no order.</summary>
    public IReadOnlyCollection<int> InUse(int key) => _inUse[key];

    /// <summary>The nth value that nothing mentions: <c>other</c>, or <c>other-2</c> and so on where that is taken.</summary>
    public int Fresh(int n)
    {
        for (var i = 1; _fresh.Count <= n; i++)
        {
            var text = i == 1 ? "other" : $"other-{i}";
            if (!_ids.ContainsKey(text))
            {
                _fresh.Add(Add(text));
            }
        }

        return _fresh[n];
    }

    private int Add(string text)
    {
        var id = _texts.Count;
        _ids.Add(text, id);
        _texts.Add(text);
        return id;
    }
}
