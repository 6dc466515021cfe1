using System.Text.RegularExpressions;

namespace Bulkhead.Lab;

/// <summary>Which lab: an id, from which every name is made, and a state folder.</summary>
public sealed partial record LabOptions
{
    /// <summary>Names the lab with an id and, unless given, the folder <c>/run/bulkhead-lab/ID</c>.</summary>
    /// <exception cref="LabException">The id is not of the allowed form.</exception>
    public LabOptions(string id = "demo", string? folder = null)
    {
        if (!IdForm().IsMatch(id))
        {
            throw new LabException($"'{id}' cannot be a lab's id: 1 to 11 of a-z, 0-9 and '-', starting with a letter");
        }

        Id = id;
        Folder = Path.GetFullPath(folder ?? $"/run/bulkhead-lab/{id}");
    }

    /// <summary>The id.</summary>
    public string Id { get; }

    /// <summary>The state folder, absolute.</summary>
    public string Folder { get; }

    /// <summary>The lab file; the company that comes with the lab if null.</summary>
    public string? File { get; init; }

    /// <summary>The hosts to bring up; all if null.</summary>
    public IReadOnlySet<string>? Hosts { get; init; }

    /// <summary>The lab's cgroup.</summary>
    internal Cgroup Cgroup => Cgroup.OfRoot("bulkhead-lab-" + Id);

    /// <summary>The root namespace's end of the lab's uplink.</summary>
    internal string UplinkInterface => "bhl-" + Id;

    [GeneratedRegex("^[a-z][a-z0-9-]{0,10}$")]
    private static partial Regex IdForm();
}

/// <summary>How to start agents.</summary>
/// <param name="Program">The agent's executable.</param>
/// <param name="Controller">The controller's agent address, as seen from the hosts.</param>
/// <param name="CaSha256">The SHA-256 of the controller's CA certificate, in hexadecimal.</param>
/// <param name="KeyFile">A file with a pairing key.</param>
public sealed record AgentOptions(string Program, Uri Controller, string CaSha256, string KeyFile);
