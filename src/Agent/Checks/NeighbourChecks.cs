using System.Text.Json;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Checks;

/// <summary>
/// Who else filters on this host. Several firewalls live next to each other, and a packet passes only if all of them let it: what one of them drops,
/// no rule of ours brings back. Nothing of theirs is ever changed.
/// </summary>
internal static class NeighbourChecks
{
    /// <summary>What was found.</summary>
    public static async IAsyncEnumerable<Finding> RunAsync(StateDirectory state)
    {
        var (exit, json, errors) = await Tool.RunAsync("nft", ["--json", "list", "chains"]);
        if (exit != 0)
        {
            yield return Finding.Warning("neighbours-unknown", $"The other tables cannot be listed: {errors}", "Run it with sudo.");
            yield break;
        }

        var found = false;
        foreach (var finding in OfChains(json, File.Exists(state.Identity)).Concat(OfIptables()).Concat(OfLog(state)))
        {
            found = true;
            yield return finding;
        }

        foreach (var family in (string[])["-4", "-6"])
        {
            var (code, rules, _) = await Tool.RunAsync("ip", [family, "-json", "rule"]);
            foreach (var finding in OfRouting(code == 0 && rules.StartsWith('[') ? rules : ""))
            {
                found = true;
                yield return finding;
            }
        }

        if (!found)
        {
            yield return Finding.Ok("neighbours", "No other firewall is active.");
        }
    }

    /// <summary>What the chains of all tables tell.</summary>
    /// <param name="json">As nft lists them.</param>
    /// <param name="paired">Whether this host is paired, so that our table may be there.</param>
    internal static IEnumerable<Finding> OfChains(string json, bool paired)
    {
        using var listed = JsonDocument.Parse(json);
        var chains = listed.RootElement.GetProperty("nftables").EnumerateArray()
            .Where(item => item.TryGetProperty("chain", out _)).Select(item => item.GetProperty("chain")).Select(Chain.Read).ToArray();
        if (!paired && chains.Any(chain => chain is { Family: "inet", Table: FirewallDocument.Table }))
        {
            yield return Finding.Problem("table-taken", "There is a table inet bulkhead already, but this host is not paired.", "If an earlier agent left it: nft delete table inet bulkhead. Else its owner must name it otherwise.");
        }

        foreach (var table in chains.Where(chain => chain is not { Family: "inet", Table: FirewallDocument.Table }).GroupBy(chain => (chain.Family, chain.Table)))
        {
            var owner = OwnerOf(table.Key.Table, [.. table.Select(chain => chain.Name)]);
            var name = $"{owner ?? "A firewall"} (table {table.Key.Family} {table.Key.Table})";
            var dropping = table.Where(chain => chain is { Hook: "input" or "output", Policy: "drop" }).Select(chain => $"{chain.Name} ({chain.Hook})").ToArray();
            if (dropping.Length > 0)
            {
                yield return Finding.Warning("neighbour-drops", $"{name} drops by default in {string.Join(", ", dropping)}: what it does not allow stays blocked, whatever Bulkhead allows.", "Let one of the two decide: open the other, or keep its rules in step.");
            }
            else if (table.Any(chain => chain.Hook is "input" or "output" or "forward"))
            {
                yield return Finding.Warning("neighbour", $"{name} filters as well; both must let a packet pass.", "Nothing has to be done; look there too when something is blocked.");
            }

            if (table.Any(chain => chain is { Hook: "input", Type: "nat" } or { Hook: "prerouting", Type: "nat" }))
            {
                yield return Finding.Warning("neighbour-translates", $"{name} translates destinations: inbound rules see the translated address and port.", "Write rules for the port that the service listens on.");
            }
        }
    }

    /// <summary>Routes that are chosen by the whole of a packet's mark: the agent's own bits of it, once rules name executables or users, make it another one.</summary>
    /// <param name="json">As ip lists its rules; empty if it does not.</param>
    internal static IEnumerable<Finding> OfRouting(string json)
    {
        using var listed = JsonDocument.Parse(json.Length == 0 ? "[]" : json);
        var whole = listed.RootElement.EnumerateArray()
            .Where(rule => rule.TryGetProperty("fwmark", out _) && !rule.TryGetProperty("fwmask", out _))
            .Select(rule => rule.GetProperty("fwmark").GetString()).ToArray();
        if (whole.Length > 0)
        {
            yield return Finding.Warning(
                "marks-routed",
                $"Routes are chosen by whole packet marks ({string.Join(", ", whole)}): rules of Bulkhead for executables or users set bits of marks, and such packets would no longer match.",
                "Give those routing rules a mask that leaves the agent's bits out (ip rule … fwmark MARK/MASK), or run the agent with another --mark-mask and see that they do not overlap.");
        }
    }

    private static string? OwnerOf(string table, IReadOnlyList<string> chains) =>
        table == "firewalld" ? "firewalld"
        : chains.Any(chain => chain.StartsWith("ufw", StringComparison.Ordinal)) ? "ufw"
        : chains.Any(chain => chain.StartsWith("DOCKER", StringComparison.Ordinal)) ? "Docker"
        : chains.Any(chain => chain.StartsWith("KUBE-", StringComparison.Ordinal) || chain.StartsWith("cali-", StringComparison.Ordinal)) ? "Kubernetes"
        : chains.Any(chain => chain.StartsWith("f2b-", StringComparison.Ordinal)) ? "fail2ban"
        : chains.Any(chain => chain is "INPUT" or "OUTPUT" or "FORWARD") ? "iptables"
        : null;

    private static IEnumerable<Finding> OfIptables()
    {
        foreach (var file in (string[])["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"])
        {
            if (File.Exists(file) && TryRead(file) is { Length: > 0 } names)
            {
                yield return Finding.Warning("iptables-legacy", $"iptables-legacy has tables ({string.Join(", ", names)}); nft does not list them.", "Look at them with iptables-legacy-save; what they drop stays blocked.");
            }
        }
    }

    /// <summary>What rules send to a group is told to one program in each network namespace.</summary>
    private static IEnumerable<Finding> OfLog(StateDirectory state)
    {
        const string bound = "/proc/net/netfilter/nfnetlink_log";
        foreach (var (group, loss) in ((int, string)[])[(FirewallDocument.LogGroup, "blocked connections cannot be reported"), (FirewallDocument.NamesGroup, "outside addresses have no names")])
        {
            var number = group.ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (TryRead(bound).Any(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() == number) && !state.IsLocked())
            {
                yield return Finding.Problem("log-group-taken", $"Another program reads NFLOG group {number}.", $"Give it another group: else {loss}.");
            }
        }
    }

    private static string[] TryRead(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private sealed record Chain(string Family, string Table, string Name, string? Hook, string? Type, string? Policy)
    {
        public static Chain Read(JsonElement chain)
        {
            string? Text(string name) => chain.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            return new(Text("family")!, Text("table")!, Text("name")!, Text("hook"), Text("type"), Text("policy"));
        }
    }
}
