using System.Globalization;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Controller.Traffic;

/// <summary>A node of the map.</summary>
/// <param name="Id">The same for the same group, today and tomorrow.</param>
/// <param name="Kind"><c>group</c>, <c>workload</c>, <c>network</c> or <c>internet</c>.</param>
/// <param name="Name">For people.</param>
/// <param name="Labels">Values of the grouping keys; empty where there is none.</param>
public sealed record MapNode(string Id, string Kind, string Name, IReadOnlyDictionary<string, string> Labels);

/// <summary>
/// Says to which node of the map an end of traffic belongs: workloads by their values of some label keys, or each for itself; unmanaged
/// addresses together, apart from the inside of a drill-down.
/// </summary>
public sealed class MapGrouping
{
    /// <summary>The last key, to show each workload for itself.</summary>
    public const string PerWorkload = "workload";

    private static readonly MapNode s_network = new("network", "network", "unmanaged private addresses", new Dictionary<string, string>());
    private static readonly MapNode s_internet = new("internet", "internet", "internet", new Dictionary<string, string>());
    private static readonly MapNode s_neighbourhood = new("neighbourhood", "network", "link-local and multicast", new Dictionary<string, string>());
    private static readonly IpPrefix[] s_private = [.. new[] { ("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16), ("100.64.0.0", 10), ("198.18.0.0", 15), ("fc00::", 7) }
        .Select(entry => IpPrefix.Containing(IpAddress.Parse(entry.Item1), entry.Item2))];

    private readonly Dictionary<LabelSet, MapNode> _groups = [];
    private readonly Dictionary<WorkloadId, MapNode> _workloads = [];
    private readonly string[] _keys;
    private readonly bool _perWorkload;
    private readonly MapGrouping? _outer;

    private MapGrouping(IReadOnlyList<string> keys, string? within, MapGrouping? outer)
    {
        _perWorkload = keys.Contains(PerWorkload);
        _keys = [.. keys.Where(key => key != PerWorkload)];
        (Within, _outer) = (within, outer);
    }

    /// <summary>The keys that apply inside, in order; <see cref="PerWorkload"/> as the last for no grouping.</summary>
    public IReadOnlyList<string> Keys => _perWorkload ? [.. _keys, PerWorkload] : _keys;

    /// <summary>The id of the node whose inside is shown; null for the whole map.</summary>
    public string? Within { get; }

    /// <summary>
    /// Reads a grouping. Inside <paramref name="within"/> the keys apply, or each workload stands for itself if the keys would not divide it;
    /// outside, groups are as wide as that one is.
    /// </summary>
    public static MapGrouping? Parse(string? group, string? within, IReadOnlySet<string> knownKeys, ICollection<Diagnostic> problems)
    {
        var before = problems.Count;
        var keys = (group ?? "app,env").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var key in keys.Where(key => key != PerWorkload && !knownKeys.Contains(key)))
        {
            problems.Add(Diagnostic.Error("unknown-label-key", "group", $"There is no label key '{key}'. Known keys: {string.Join(", ", knownKeys.Order(StringComparer.Ordinal))}; '{PerWorkload}' as the last shows each workload."));
        }

        if (keys.Length == 0 || keys.Distinct(StringComparer.Ordinal).Count() != keys.Length || keys.SkipLast(1).Contains(PerWorkload))
        {
            problems.Add(Diagnostic.Error("bad-grouping", "group", $"Name each label key once, such as app,env; '{PerWorkload}' may only be the last."));
        }

        var outerKeys = KeysOf(within, knownKeys, keys);
        if (within is not null && outerKeys is null)
        {
            problems.Add(Diagnostic.Error("bad-group-id", "within", $"'{within}' is not the id of a group. Take one from the map, such as app=shop,env=prod."));
        }

        if (problems.Count > before)
        {
            return null;
        }

        return within is null
            ? new(keys, null, null)
            : new(keys.Except(outerKeys!, StringComparer.Ordinal).Any() ? keys : [.. keys, PerWorkload], within, new(outerKeys!, null, null));
    }

    /// <summary>The node of a workload.</summary>
    public MapNode NodeOf(Workload workload)
    {
        if (_outer?.NodeOf(workload) is { } outer && outer.Id != Within)
        {
            return outer;
        }

        return _perWorkload ? WorkloadNode(workload) : GroupNode(workload.Labels);
    }

    /// <summary>The node of an address that no workload has.</summary>
    public MapNode NodeOf(FlowEndpoint endpoint)
    {
        var node = endpoint.IsNoise ? s_neighbourhood : IsPrivate(endpoint.Address.Address) ? s_network : s_internet;
        return node.Id == Within ? new($"address:{endpoint.Address}", node.Kind, endpoint.Address.ToString(), node.Labels) : node;
    }

    /// <summary>Whether a workload's node is shown for itself, and not only as the other end of a link.</summary>
    public bool IsInside(Workload workload) => _outer is null || _outer.NodeOf(workload).Id == Within;

    /// <summary>Whether an address that no workload has belongs to the inside.</summary>
    public bool IsInside(FlowEndpoint endpoint) => _outer is null || _outer.NodeOf(endpoint).Id == Within;

    private static string[]? KeysOf(string? within, IReadOnlySet<string> knownKeys, string[] keys)
    {
        if (within is null || within == s_network.Id || within == s_internet.Id || within == s_neighbourhood.Id)
        {
            return keys;
        }

        var own = within.Split(',').Select(term => term.Split('=', 2)).ToList();
        return own.All(term => term.Length == 2 && knownKeys.Contains(term[0])) ? [.. own.Select(term => term[0])] : null;
    }

    private static bool IsPrivate(IpAddress address) => address.IsLoopback || address.IsLinkLocal || Array.Exists(s_private, prefix => prefix.Contains(address));

    private MapNode GroupNode(LabelSet labels)
    {
        if (!_groups.TryGetValue(labels, out var node))
        {
            var values = _keys.ToDictionary(key => key, key => labels[key] ?? "", StringComparer.Ordinal);
            var name = values.Values.All(value => value.Length == 0)
                ? "unlabelled"
                : string.Join('/', _keys.Select(key => values[key].Length == 0 ? $"no {key}" : values[key]));
            _groups[labels] = node = new(string.Join(',', values.Select(pair => $"{pair.Key}={pair.Value}")), "group", name, values);
        }

        return node;
    }

    private MapNode WorkloadNode(Workload workload)
    {
        if (!_workloads.TryGetValue(workload.Id, out var node))
        {
            var values = _keys.ToDictionary(key => key, key => workload.Labels[key] ?? "", StringComparer.Ordinal);
            _workloads[workload.Id] = node = new(string.Create(CultureInfo.InvariantCulture, $"workload:{workload.Id}"), "workload", workload.Name, values);
        }

        return node;
    }
}
