using System.Collections.Immutable;

namespace Bulkhead.Policy.Labels;

/// <summary>The labels of a workload: at most one value a key, in key order. Workloads with equal labels share one label set.</summary>
public sealed class LabelSet : IEquatable<LabelSet>, IComparable<LabelSet>
{
    private readonly int _hash;

    private LabelSet(ImmutableArray<Label> labels)
    {
        Labels = labels;
        var hash = new HashCode();
        foreach (var label in labels)
        {
            hash.Add(label);
        }

        _hash = hash.ToHashCode();
    }

    /// <summary>No labels.</summary>
    public static LabelSet Empty { get; } = new([]);

    /// <summary>The labels in ordinal key order.</summary>
    public ImmutableArray<Label> Labels { get; }

    /// <summary>The value of a key, or null.</summary>
    public string? this[string key]
    {
        get
        {
            foreach (var label in Labels)
            {
                if (string.Equals(label.Key, key, StringComparison.Ordinal))
                {
                    return label.Value;
                }
            }

            return null;
        }
    }

    /// <summary>Builds a set; of two values for one key the last wins.</summary>
    public static LabelSet Of(IEnumerable<Label> labels)
    {
        var sorted = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in labels)
        {
            sorted[key] = value;
        }

        return new([.. sorted.Select(pair => new Label(pair.Key, pair.Value))]);
    }

    /// <summary>Builds a set of key and value pairs.</summary>
    public static LabelSet Of(params ReadOnlySpan<(string Key, string Value)> labels)
    {
        var list = new List<Label>(labels.Length);
        foreach (var (key, value) in labels)
        {
            list.Add(new(key, value));
        }

        return Of(list);
    }

    /// <inheritdoc/>
    public bool Equals(LabelSet? other) =>
        other is not null && (ReferenceEquals(this, other) || (_hash == other._hash && Labels.AsSpan().SequenceEqual(other.Labels.AsSpan())));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;

    /// <inheritdoc/>
    public int CompareTo(LabelSet? other) => other is null ? 1 : Labels.AsSpan().SequenceCompareTo(other.Labels.AsSpan());

    /// <summary>As selector text: <c>app=shop,env=prod</c>.</summary>
    public override string ToString() => string.Join(',', Labels);
}
