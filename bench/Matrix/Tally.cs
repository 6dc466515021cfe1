using System.Text.Json.Nodes;

namespace Bulkhead.Bench.Matrix;

/// <summary>How many connections were tried, by what the round was about, its mode and the family.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<(RuleKind Kind, string Mode, string Family), (int Probes, int Blocked)> _cells = [];

    /// <summary>Connections tried.</summary>
    public int Probes { get; private set; }

    /// <summary>Notes one.</summary>
    public void Add(RuleKind kind, string mode, bool isV6, bool blocked)
    {
        var key = (kind, mode, isV6 ? "v6" : "v4");
        var (probes, stopped) = _cells.GetValueOrDefault(key);
        _cells[key] = (probes + 1, stopped + (blocked ? 1 : 0));
        Probes++;
    }

    /// <summary>A cell as <c>kind/mode/family: [probes, blocked]</c>.</summary>
    public JsonObject ToJson() => new(_cells.Select(cell =>
        KeyValuePair.Create($"{cell.Key.Kind}/{cell.Key.Mode}/{cell.Key.Family}", (JsonNode?)new JsonArray(cell.Value.Probes, cell.Value.Blocked))));
}
