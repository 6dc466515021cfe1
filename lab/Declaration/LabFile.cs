using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Lab;

/// <summary>Reads lab files (YAML). All mistakes of a file are reported at once; a file with mistakes yields no declaration.</summary>
public sealed partial class LabFile
{
    private const int MaximumHosts = 200;

    private readonly List<Diagnostic> _diagnostics = [];
    private readonly List<HostDeclaration> _hosts = [];
    private readonly List<LinkDeclaration> _links = [];
    private readonly List<LinkDeclaration> _attacks = [];
    private readonly List<Person> _people = [];

    private LabFile()
    {
    }

    /// <summary>Reads a lab from text.</summary>
    /// <returns>The declaration, or null with at least one diagnostic, in file order within each section.</returns>
    public static (LabDeclaration? Lab, IReadOnlyList<Diagnostic> Diagnostics) Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var file = new LabFile();
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            file.ReadRoot(stream.Documents.Count == 0 ? new YamlMappingNode() : stream.Documents[0].RootNode);
        }
        catch (YamlException e)
        {
            file._diagnostics.Add(new("yaml", $"line {e.Start.Line}", e.InnerException?.Message ?? e.Message));
        }

        return file._diagnostics.Count > 0
            ? (null, file._diagnostics)
            : (new(file._hosts, file._links, file._attacks, file._people), []);
    }

    private void ReadRoot(YamlNode root)
    {
        var sections = Mapping(root, "", "hosts", "people", "links", "attacks");
        if (sections.TryGetValue("hosts", out var hosts))
        {
            foreach (var (name, host) in Entries(hosts, "hosts"))
            {
                ReadHost(name, host);
            }
        }

        if (_hosts.Count is 0 or > MaximumHosts)
        {
            Report(root, "hosts", "host-count", $"a lab has 1 to {MaximumHosts} hosts, this one has {_hosts.Count}");
        }

        if (_hosts.Count(host => host.Daemons.Contains("dnsmasq")) > 1)
        {
            Report(hosts!, "hosts", "second-resolver", "only one host may run dnsmasq: it is every host's resolver");
        }

        if (sections.TryGetValue("people", out var people))
        {
            foreach (var (name, groups) in Entries(people, "people"))
            {
                ReadPerson(name, groups);
            }
        }

        ReadLinks(sections, "links", _links);
        ReadLinks(sections, "attacks", _attacks);
    }

    private void ReadHost(YamlScalarNode nameNode, YamlNode node)
    {
        var name = nameNode.Value ?? "";
        var path = $"hosts.{name}";
        if (!HostName().IsMatch(name) || name == DaemonRef.Controller)
        {
            Report(nameNode, path, "host-name", "a host's name is 1 to 14 of a-z, 0-9 and '-', starts with a letter, and is not 'controller'");
        }

        var fields = Mapping(node, path, "labels", "daemons");
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (fields.TryGetValue("labels", out var labelNode))
        {
            foreach (var (key, value) in Entries(labelNode, $"{path}.labels"))
            {
                if (Scalar(value, $"{path}.labels.{key.Value}") is { } text)
                {
                    labels[key.Value ?? ""] = text;
                }
            }
        }

        var daemons = new List<string>();
        if (fields.TryGetValue("daemons", out var daemonNode))
        {
            foreach (var (item, itemPath) in Items(daemonNode, $"{path}.daemons"))
            {
                if (Scalar(item, itemPath) is not { } kind)
                {
                    continue;
                }

                if (!DaemonKind.All.ContainsKey(kind))
                {
                    Report(item, itemPath, "unknown-daemon", $"there is no daemon '{kind}'; there are {string.Join(", ", DaemonKind.All.Keys)}");
                }
                else if (daemons.Contains(kind))
                {
                    Report(item, itemPath, "daemon-twice", $"'{kind}' is listed twice");
                }
                else
                {
                    daemons.Add(kind);
                }
            }
        }

        _hosts.Add(new(name, labels, daemons));
    }

    private void ReadPerson(YamlScalarNode nameNode, YamlNode node)
    {
        var name = nameNode.Value ?? "";
        var path = $"people.{name}";
        var groups = Items(node, path).Select(item => (item.Item, item.Path, Name: Scalar(item.Item, item.Path))).ToList();
        foreach (var (at, place, text) in groups.Where(group => group.Name is not null).Prepend((nameNode, path, name)))
        {
            if (!AccountName().IsMatch(text!))
            {
                Report(at, place, "account-name", $"'{text}' is no name of an account or group: 1 to 31 of a-z, 0-9 and '-', starting with a letter");
            }
        }

        _people.Add(new(name, NameService.FirstPerson + (uint)_people.Count, [.. groups.Select(group => group.Name ?? "")]));
    }

    private void ReadLinks(Dictionary<string, YamlNode> sections, string section, List<LinkDeclaration> into)
    {
        if (!sections.TryGetValue(section, out var node))
        {
            return;
        }

        foreach (var (item, path) in Items(node, section))
        {
            var before = _diagnostics.Count;
            var fields = Mapping(item, path, "from", "to", "over");
            var from = Ends(fields, item, path, "from");
            var to = Ends(fields, item, path, "to");
            var over = fields.TryGetValue("over", out var overNode) ? Scalar(overNode, $"{path}.over") : "ipv4";
            if (over is not (null or "ipv4" or "ipv6"))
            {
                Report(overNode!, $"{path}.over", "family", $"'{over}' is neither ipv4 nor ipv6");
            }

            var pairs = from.SelectMany(_ => to, (source, target) => (source, target)).Where(pair => pair.source.Host != pair.target.Host).ToList();
            foreach (var (source, target) in pairs)
            {
                CheckLink(item, path, source, target, attack: ReferenceEquals(into, _attacks));
                into.Add(new(source, target, over == "ipv6"));
            }

            if (pairs.Count == 0 && _diagnostics.Count == before)
            {
                Report(item, path, "no-link", "this declares no link: both ends are on the same host");
            }
        }
    }

    private void CheckLink(YamlNode node, string path, DaemonRef source, DaemonRef target, bool attack)
    {
        if (target.Host == DaemonRef.Controller)
        {
            if (source.Daemon != DaemonRef.Agent)
            {
                Report(node, path, "controller-link", $"only a {DaemonRef.Agent} connects to the controller, not {source}");
            }
        }
        else if (!DaemonKind.All.TryGetValue(target.Daemon, out var server) || server.Service is null)
        {
            Report(node, path, "no-service", $"{target} serves nothing to connect to");
        }
        else if (!attack && (!DaemonKind.All.TryGetValue(source.Daemon, out var client) || !client.Consumes.Contains(target.Daemon)))
        {
            Report(node, path, "cannot-connect", $"{source.Daemon} does not know how to use {target.Daemon}");
        }
    }

    private List<DaemonRef> Ends(Dictionary<string, YamlNode> fields, YamlNode parent, string path, string field)
    {
        if (!fields.TryGetValue(field, out var node))
        {
            Report(parent, path, "missing", $"'{field}' is missing: host/daemon, */daemon or a list of them");
            return [];
        }

        var texts = node is YamlSequenceNode ? Items(node, $"{path}.{field}") : [(node, $"{path}.{field}")];
        return [.. texts.SelectMany(text => End(text.Item1, text.Item2))];
    }

    private List<DaemonRef> End(YamlNode node, string path)
    {
        if (Scalar(node, path) is not { } text)
        {
            return [];
        }

        if (text == DaemonRef.Controller)
        {
            return [new(DaemonRef.Controller, "bulkhead-controller")];
        }

        if (text.Split('/') is not [var host, var daemon])
        {
            Report(node, path, "end", $"'{text}' is not of the form host/daemon, */daemon or controller");
            return [];
        }

        var found = _hosts
            .Where(candidate => host == "*" || candidate.Name == host)
            .Where(candidate => daemon == DaemonRef.Agent || candidate.Daemons.Contains(daemon))
            .Select(candidate => new DaemonRef(candidate.Name, daemon))
            .ToList();
        if (found.Count == 0)
        {
            Report(node, path, "unknown-end", host == "*" || _hosts.Exists(candidate => candidate.Name == host)
                ? $"no such daemon: {text}"
                : $"no such host: {host}");
        }

        return found;
    }

    private Dictionary<string, YamlNode> Mapping(YamlNode node, string path, params string[] known)
    {
        var fields = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (var (key, value) in Entries(node, path))
        {
            if (known.Contains(key.Value))
            {
                fields[key.Value!] = value;
            }
            else
            {
                Report(key, path, "unknown-key", $"unknown key '{key.Value}'; known are {string.Join(", ", known)}");
            }
        }

        return fields;
    }

    private IEnumerable<(YamlScalarNode Key, YamlNode Value)> Entries(YamlNode node, string path)
    {
        if (node is YamlScalarNode { Value: null or "" })
        {
            return [];
        }

        if (node is not YamlMappingNode mapping)
        {
            Report(node, path, "not-a-mapping", "a mapping (key: value) is expected here");
            return [];
        }

        return mapping.Children.Where(entry => entry.Key is YamlScalarNode).Select(entry => ((YamlScalarNode)entry.Key, entry.Value));
    }

    private List<(YamlNode Item, string Path)> Items(YamlNode node, string path)
    {
        if (node is not YamlSequenceNode sequence)
        {
            Report(node, path, "not-a-list", "a list is expected here");
            return [];
        }

        return [.. sequence.Children.Select((item, index) => (item, $"{path}[{index}]"))];
    }

    private string? Scalar(YamlNode node, string path)
    {
        if (node is YamlScalarNode { Value: { Length: > 0 } value })
        {
            return value;
        }

        Report(node, path, "not-text", "a text is expected here");
        return null;
    }

    private void Report(YamlNode node, string path, string code, string message) =>
        _diagnostics.Add(new(code, $"line {node.Start.Line}{(path.Length > 0 ? ", " + path : "")}", message));

    [GeneratedRegex("^[a-z][a-z0-9-]{0,13}$")]
    private static partial Regex HostName();

    [GeneratedRegex("^[a-z][a-z0-9-]{0,30}$")]
    private static partial Regex AccountName();
}
