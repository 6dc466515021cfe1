using System.Collections.Immutable;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent;

/// <summary>What is wrong now: each part of the agent sets and clears its own topics. Reported to the controller and shown by <c>status</c>.</summary>
/// <param name="changed">Called after each change.</param>
internal sealed class Problems(System.Action changed)
{
    private readonly Lock _gate = new();
    private ImmutableSortedDictionary<string, Failure> _byTopic = ImmutableSortedDictionary.Create<string, Failure>(StringComparer.Ordinal);

    /// <summary>The problems there are, by topic.</summary>
    public IReadOnlyList<Failure> Current => [.. Volatile.Read(ref _byTopic).Values];

    /// <summary>States a problem, in place of the topic's earlier one.</summary>
    public void Set(string topic, Failure failure)
    {
        lock (_gate)
        {
            if (_byTopic.TryGetValue(topic, out var present) && present.Equals(failure))
            {
                return;
            }

            Volatile.Write(ref _byTopic, _byTopic.SetItem(topic, failure));
        }

        changed();
    }

    /// <summary>States that all is well with a topic.</summary>
    public void Clear(string topic)
    {
        lock (_gate)
        {
            if (!_byTopic.ContainsKey(topic))
            {
                return;
            }

            Volatile.Write(ref _byTopic, _byTopic.Remove(topic));
        }

        changed();
    }
}
