using System.Collections.Immutable;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent;

/// <summary>What is wrong now: each part of the agent sets and clears its own topics. Reported to the controller and shown by <c>status</c>.</summary>
/// <param name="changed">Called after each change.</param>
internal sealed class Problems(System.Action changed)
{
    private readonly Lock _gate = new();
    private ImmutableSortedDictionary<string, ImmutableArray<Failure>> _byTopic = ImmutableSortedDictionary.Create<string, ImmutableArray<Failure>>(StringComparer.Ordinal);

    /// <summary>The problems there are, by topic.</summary>
    public IReadOnlyList<Failure> Current => [.. Volatile.Read(ref _byTopic).Values.SelectMany(failures => failures)];

    /// <summary>States what is wrong with a topic, in place of what was; nothing if all is well.</summary>
    public void Set(string topic, params ReadOnlySpan<Failure> failures)
    {
        lock (_gate)
        {
            ImmutableArray<Failure> present = _byTopic.TryGetValue(topic, out var stated) ? stated : [];
            if (present.AsSpan().SequenceEqual(failures))
            {
                return;
            }

            Volatile.Write(ref _byTopic, failures.IsEmpty ? _byTopic.Remove(topic) : _byTopic.SetItem(topic, [.. failures]));
        }

        changed();
    }

    /// <summary>States that all is well with a topic.</summary>
    public void Clear(string topic) => Set(topic);
}
