using System.Collections.Immutable;

namespace Bulkhead.Policy;

/// <summary>
/// An immutable map for much reading and a little writing: a plain dictionary that versions share, and above it what a version changed.
/// Once the changes outgrow a fraction of the base, the next version gets a base of its own.
/// </summary>
internal sealed class LayeredMap<TKey, TValue>
    where TKey : notnull
    where TValue : class
{
    private const int FreeChanges = 1024;

    private readonly Dictionary<TKey, TValue> _base;
    private readonly ImmutableDictionary<TKey, TValue?> _changes;

    /// <summary>Takes over a dictionary, which nobody may change any more.</summary>
    public LayeredMap(Dictionary<TKey, TValue> items)
        : this(items, ImmutableDictionary.Create<TKey, TValue?>(items.Comparer), items.Count)
    {
    }

    private LayeredMap(Dictionary<TKey, TValue> items, ImmutableDictionary<TKey, TValue?> changes, int count) =>
        (_base, _changes, Count) = (items, changes, count);

    /// <summary>The number of keys.</summary>
    public int Count { get; }

    /// <summary>The values, in no order.</summary>
    public IEnumerable<TValue> Values => _changes.IsEmpty
        ? _base.Values
        : _base.Where(pair => !_changes.ContainsKey(pair.Key)).Select(pair => pair.Value).Concat(_changes.Values.OfType<TValue>());

    /// <summary>The value of a key, or null.</summary>
    public TValue? Find(TKey key) =>
        !_changes.IsEmpty && _changes.TryGetValue(key, out var changed) ? changed : _base.GetValueOrDefault(key);

    /// <summary>A version in which keys have other values; null takes a key out. Of two values for a key the last counts.</summary>
    public LayeredMap<TKey, TValue> With(IReadOnlyCollection<KeyValuePair<TKey, TValue?>> changed)
    {
        if (changed.Count == 0)
        {
            return this;
        }

        var changes = _changes.ToBuilder();
        var count = Count;
        foreach (var (key, value) in changed)
        {
            var before = changes.TryGetValue(key, out var held) ? held : _base.GetValueOrDefault(key);
            count += (value is null ? 0 : 1) - (before is null ? 0 : 1);
            changes[key] = value;
        }

        if (changes.Count <= FreeChanges + (_base.Count / 8))
        {
            return new(_base, changes.ToImmutable(), count);
        }

        var merged = new Dictionary<TKey, TValue>(_base, _base.Comparer);
        foreach (var (key, value) in changes)
        {
            if (value is null)
            {
                merged.Remove(key);
            }
            else
            {
                merged[key] = value;
            }
        }

        return new(merged);
    }
}
