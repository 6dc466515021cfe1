using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;

namespace Bulkhead.PolicyFiles.Inventory;

/// <summary>Checks the translations of an inventory's workloads.</summary>
internal sealed class TranslationReader(ICollection<Diagnostic> problems)
{
    private readonly List<(string Workload, string Path, Publication Publication)> _published = [];
    private readonly List<(string Path, AddressSpace Space)> _spaces = [];

    /// <summary>What leads to a workload; what is wrong is left out.</summary>
    public EquatableArray<Publication> Published(WorkloadDocument workload, string path) =>
        [.. workload.Published.Index().Select(item => ReadPublication(item.Item, workload, $"{path}.published[{item.Index}]")).OfType<Publication>().Distinct().Order()];

    /// <summary>Where a workload's connections come from; what is wrong is left out.</summary>
    public EquatableArray<ScopedAddress> Sources(WorkloadDocument workload, string path) =>
        [.. workload.Sources.Index().Select(item => ReadAddress(item.Item, workload, $"{path}.sources[{item.Index}]")).OfType<ScopedAddress>().Distinct().Order()];

    /// <summary>Checks what takes all workloads to know: spaces that nobody sees, and ports that lead to two.</summary>
    public void Check(IReadOnlyCollection<Workload> workloads)
    {
        var seen = workloads.Select(workload => workload.Space.Name).Append(AddressSpace.Default.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var (path, space) in _spaces.Where(said => !seen.Contains(said.Space.Name)))
        {
            problems.Add(Diagnostic.Error("unknown-space", path,
                $"No workload sees its peers in a space '{space.Name}', so nobody would meet this address.{Spelling.Hint(space.Name, seen)} A workload names its own under space."));
        }

        foreach (var alike in _published.GroupBy(said => said.Publication.Address))
        {
            var before = new List<(string Workload, Publication Publication)>();
            foreach (var (workload, path, publication) in alike)
            {
                var first = before.Find(other => other.Publication.Overlaps(publication) && !(other.Workload != workload && other.Publication.Shared && publication.Shared));
                if (first.Workload is { } holder)
                {
                    problems.Add(Diagnostic.Error("overlapping-publication", path, holder == workload
                        ? $"{publication.Address} {publication.Ports.Visible} leads to this workload already, by {first.Publication.Ports.Visible}. Remove one of the two, or make them differ."
                        : $"{publication.Address} {publication.Ports.Visible} also leads to '{holder}'. Write shared: true at both if it is a virtual IP of the two; otherwise remove one."));
                }

                before.Add((workload, publication));
            }
        }
    }

    private ScopedAddress? ReadAddress(string text, WorkloadDocument workload, string path)
    {
        var address = ScopedAddressText.Parse(text, workload.Space, path, problems);
        if (address is { } scoped)
        {
            _spaces.Add((path, scoped.Space));
        }

        return address;
    }

    private Publication? ReadPublication(PublicationDocument document, WorkloadDocument workload, string path)
    {
        var address = ReadAddress(document.Address, workload, $"{path}.address");
        var ports = PortText.Parse(document.Ports, $"{path}.ports", problems);
        if (address is not { } at || ports is not { } visible)
        {
            return null;
        }

        var to = document.To ?? visible.First;
        if (to is > ushort.MaxValue or < 0 || (document.To is 0 && visible.First != 0) || !PortMapping.TryCreate(visible, (int)to, out var mapping))
        {
            problems.Add(Diagnostic.Error("bad-port-mapping", $"{path}.to", IpProtocol.HasPorts(visible.Protocol)
                ? $"{visible} cannot lead to {to}: own ports go from there up to 65535, one for each visible port."
                : $"'{visible}' has no ports that could be rewritten; only tcp, udp and sctp have. Leave this line out."));
            return null;
        }

        var publication = new Publication(at, mapping, document.Shared);
        if (workload.Admitted ?? true)
        {
            _published.Add((workload.Name, path, publication));
        }

        return publication;
    }
}
