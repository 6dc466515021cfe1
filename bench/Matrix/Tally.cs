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

    /// <summary>The cells of which too many, or too few, should be blocked to tell anything.</summary>
    public IEnumerable<string> Lopsided =>
        from cell in _cells where cell.Value.Blocked * 10 is var blocked && (blocked < cell.Value.Probes * 3 || blocked > cell.Value.Probes * 7) select $"{Name(cell.Key)}: {cell.Value.Blocked} of {cell.Value.Probes}";

    /// <summary>The cells in which too few were tried.</summary>
    public IEnumerable<string> Fewer(int than) => from cell in _cells where cell.Value.Probes < than select $"{Name(cell.Key)}: {cell.Value.Probes}";

    /// <summary>A cell as <c>kind/mode/family: [probes, blocked]</c>.</summary>
    public JsonObject ToJson() => new(_cells.Select(cell =>
        KeyValuePair.Create(Name(cell.Key), (JsonNode?)new JsonArray(cell.Value.Probes, cell.Value.Blocked))));

    private static string Name((RuleKind Kind, string Mode, string Family) cell) => $"{cell.Kind}/{cell.Mode}/{cell.Family}";
}
