using System.Net;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Pairing;

/// <summary>
/// What a host that pairs anew, such as after a reinstallation, has of the workload that it was. Its identity is only claimed, so the workload's admission
/// stays only if the pairing key would have made such a workload by itself; otherwise an operator decides again. Labels and quarantine stay as they are, and so
/// do the features that its policy was compiled for, until the host reports its own.
/// </summary>
public static class Repairing
{
    /// <summary>The code of the finding that a workload waits because of this.</summary>
    public const string Code = "paired-anew";

    /// <summary>Why a key may not take up a workload at all, whatever the host says that it is: it lies outside the scope of who made the key. Null if it may.</summary>
    public static string? Beyond(WorkloadRow row, PairingKeyRow key, IReadOnlySet<string> labelKeys) =>
        key.MakerGrants is not { } grants || Reach.Of(StoredText.Grants(grants), Permission.ManageAgents, labelKeys).Covers(StoredText.Labels(row.Labels))
            ? null
            : "The workload with this host's identity lies outside the scope of who made the key.";

    /// <summary>Takes up a workload that is there: may withdraw its admission, and changes nothing else.</summary>
    /// <returns>What to write into the audit log, and what to show on the workload; the latter is null unless admission was withdrawn.</returns>
    public static (string Detail, Diagnostic? Doubt) TakeUp(WorkloadRow row, PairingKeyRow key, string name, IPAddress remote)
    {
        var was = row.Name == name ? "" : $", which was called {row.Name}";
        var detail = $"{name} ({remote}){was} paired anew with the key {key.Name}";
        if (!row.Admitted)
        {
            return ($"{detail} and still waits to be admitted.", null);
        }

        if (Doubts(row, key) is not { } doubts)
        {
            return ($"{detail}.", null);
        }

        row.Admitted = false;
        var sentence = $"{detail}; it is no longer admitted: {doubts}.";
        return (sentence, Diagnostic.Warning(Code, "admitted", $"{sentence} Admit it if this is the host that it says it is."));
    }

    /// <summary>Why a key does not vouch for a workload; null if it does.</summary>
    private static string? Doubts(WorkloadRow row, PairingKeyRow key)
    {
        var held = StoredText.Labels(row.Labels);
        var differing = StoredText.Labels(key.Labels).Labels.Where(label => held[label.Key] != label.Value).ToList();
        var networks = StoredText.Prefixes(key.Networks);
        // Without addresses of its own, where they may lie says where it belongs.
        var belongs = row.Addresses.Count > 0
            ? row.Addresses.Select(address => IpPrefix.Containing(IpAddress.Parse(address.Address), IpAddress.Parse(address.Address).Width))
            : StoredText.Prefixes(row.Networks);
        var outside = belongs.Where(prefix => !networks.Any(network => Covers(network, prefix))).ToList();
        return !key.AutoAdmit ? "the key admits nobody by itself"
            : differing.Count > 0 ? $"the key gives {string.Join(", ", differing)}, which the workload is not"
            : outside.Count > 0 ? $"the key's networks do not cover {string.Join(", ", outside)}"
            : null;
    }

    private static bool Covers(IpPrefix network, IpPrefix prefix) => network.Length <= prefix.Length && network.Contains(prefix.Address);
}
