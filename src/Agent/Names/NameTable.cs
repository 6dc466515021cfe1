using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Google.Protobuf;

namespace Bulkhead.Agent.Names;

/// <summary>
/// The names that DNS answers gave for addresses, the last one of each, for as long as it holds. Bounded: when it is full, what is no longer
/// valid goes, and else what ends first. Evidence only; no verdict depends on it. Thread-safe.
/// </summary>
internal sealed class NameTable(int most, TimeProvider time)
{
    /// <summary>How many addresses are remembered unless it is said otherwise.</summary>
    public const int Standard = 8192;

    private static readonly TimeSpan _longest = TimeSpan.FromDays(1);

    // Connections outlive the answers that they were made from, above all those of a second.
    private static readonly TimeSpan _shortest = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<IpAddress, (string Name, long Learned, TimeSpan Valid)> _names = [];

    /// <summary>How many addresses have a name.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _names.Count;
            }
        }
    }

    /// <summary>Takes in an answer.</summary>
    public void Learn(string name, IReadOnlyList<NamedAddress> addresses)
    {
        lock (_gate)
        {
            foreach (var (address, seconds) in addresses)
            {
                if (_names.Count >= most && !_names.ContainsKey(address))
                {
                    MakeRoom();
                }

                var valid = TimeSpan.FromSeconds(seconds);
                _names[address] = (name, time.GetTimestamp(), valid < _shortest ? _shortest : valid > _longest ? _longest : valid);
            }
        }
    }

    /// <summary>The name of an address, or null.</summary>
    public string? Find(IpAddress address)
    {
        lock (_gate)
        {
            return _names.TryGetValue(address, out var entry) && time.GetElapsedTime(entry.Learned) < entry.Valid ? entry.Name : null;
        }
    }

    /// <summary>Adds to a batch the names of its remote addresses.</summary>
    public void AddTo(FlowBatch batch)
    {
        if (Count == 0)
        {
            return;
        }

        var seen = new HashSet<ByteString>();
        foreach (var flow in batch.Flows)
        {
            if (seen.Add(flow.RemoteAddress) && IpAddress.TryRead(flow.RemoteAddress.Span, out var address) && Find(address) is { } name)
            {
                batch.Names.Add(new AddressName { Address = flow.RemoteAddress, Name = name });
            }
        }
    }

    private void MakeRoom()
    {
        var leaving = _names
            .OrderBy(entry => entry.Value.Valid - time.GetElapsedTime(entry.Value.Learned))
            .Select(entry => entry.Key)
            .Take(Math.Max(1, most / 8))
            .ToList();
        leaving.ForEach(address => _names.Remove(address));
    }
}
