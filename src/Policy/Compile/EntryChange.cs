using System.Collections.Immutable;

namespace Bulkhead.Policy.Compile;

/// <summary>Entries that are added to some and dropped from them. A drop takes out one of several that say the same to the same hosts.</summary>
internal sealed class EntryChange
{
    private readonly List<Entry> _added = [];
    private readonly Dictionary<Entry, int> _dropped = new(Meaning.Instance);

    /// <summary>What is dropped.</summary>
    public IEnumerable<Entry> Dropped => _dropped.SelectMany(pair => Enumerable.Repeat(pair.Key, pair.Value));

    /// <summary>Adds one.</summary>
    public void Add(Entry entry) => _added.Add(entry);

    /// <summary>Drops one.</summary>
    public void Drop(Entry entry) => _dropped[entry] = _dropped.GetValueOrDefault(entry) + 1;

    /// <summary>Takes back one drop; false if there is none.</summary>
    public bool Undrop(Entry entry)
    {
        var count = _dropped.GetValueOrDefault(entry);
        if (count > 1)
        {
            _dropped[entry] = count - 1;
        }

        return count > 1 || _dropped.Remove(entry);
    }

    /// <summary>The entries after the change, which is used up.</summary>
    public ImmutableArray<Entry> ApplyTo(ImmutableArray<Entry> entries)
    {
        if (_dropped.Count == 0)
        {
            return _added.Count == 0 ? entries : entries.AddRange(_added);
        }

        var result = ImmutableArray.CreateBuilder<Entry>(entries.Length + _added.Count);
        foreach (var entry in entries)
        {
            if (!Undrop(entry))
            {
                result.Add(entry);
            }
        }

        result.AddRange(_added);
        return result.DrainToImmutable();
    }

    private sealed class Meaning : IEqualityComparer<Entry>
    {
        public static Meaning Instance { get; } = new();

        public bool Equals(Entry? x, Entry? y) => ReferenceEquals(x, y) || (x!.Subject == y!.Subject && x.SaysSameAs(y));

        public int GetHashCode(Entry entry) => HashCode.Combine(entry.Subject.Id, entry.Order, entry.Peer.Group?.Id);
    }
}
