using System.Text.Json;
using System.Text.Json.Serialization;
using Bulkhead.Policy.Tests.Naive;
using Bulkhead.PolicyFiles;
using Bulkhead.PolicyFiles.Inventory;
using YamlDotNet.Serialization;

namespace Bulkhead.Policy.Tests.Golden;

/// <summary>A folder of <c>scenarios/policy</c>: a policy, an inventory, the verdicts that follow from them, and what chosen hosts give to nft.</summary>
internal sealed record Scenario(string Name, string Folder, Estate Estate, ExpectedVerdicts Expected)
{
    private static readonly JsonSerializerOptions _strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.Strict,
    };

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.GetDirectories(Path.Combine(AppContext.BaseDirectory, "scenarios")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    public static Scenario Load(string name)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "scenarios", name);
        var policy = PolicyFolder.Read([Source("policy.yaml")]);
        var (inventory, problems) = InventoryFile.Read(Source("inventory.yaml"));
        Assert.Empty(problems.Concat(policy.Check(Estate.Keys).Problems));
        var expected = JsonSerializer.Deserialize<ExpectedVerdicts>(Json(Source("verdicts.yaml").Text), _strict)!;
        return new(name, folder, new(policy.Document, inventory!.Workloads.Workloads, Estate.Morning), expected);

        SourceFile Source(string file) => new(file, File.ReadAllText(Path.Combine(folder, file)));
    }

    private static string Json(string text)
    {
        var yaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build().Deserialize<object>(text);
        return new SerializerBuilder().JsonCompatible().Build().Serialize(yaml);
    }
}

/// <summary><c>verdicts.yaml</c>.</summary>
/// <param name="Verdicts">What becomes of connections.</param>
/// <param name="LeftOut">Rules that hosts go without: <c>rule 2 at web, outbound</c>.</param>
/// <param name="Diagnostics">Codes of what the compiler has to say.</param>
/// <param name="Documents">Workloads of which <c>NAME.nft</c> stands beside it: what their agents give to nft.</param>
internal sealed record ExpectedVerdicts(
    IReadOnlyList<ExpectedVerdict> Verdicts,
    IReadOnlyList<string>? LeftOut = null,
    IReadOnlyList<string>? Diagnostics = null,
    IReadOnlyList<string>? Documents = null);

/// <summary>A connection and its verdict; ends that no agent enforces are left out.</summary>
/// <param name="From">A workload's name, for its first address of the family, or an address.</param>
/// <param name="To">Likewise.</param>
/// <param name="On">Such as <c>tcp/443</c>.</param>
/// <param name="Verdict">The combined one.</param>
/// <param name="Source">What the consumer's end decides: <c>allow by rule 1</c>, <c>block by default</c>, <c>block by quarantine</c> …</param>
/// <param name="Destination">Likewise at the provider.</param>
/// <param name="V6">Whether names stand for IPv6 addresses.</param>
/// <param name="Consumer">The connecting socket: <c>unidentified</c>, or path, unit and groups; unrecorded if left out.</param>
/// <param name="Provider">The serving one.</param>
/// <param name="At">When, if not at the scenario's usual time.</param>
internal sealed record ExpectedVerdict(
    string From,
    string To,
    string On,
    string Verdict,
    string? Source = null,
    string? Destination = null,
    bool V6 = false,
    SocketLine? Consumer = null,
    SocketLine? Provider = null,
    DateTimeOffset? At = null);

/// <summary>What is known of a socket.</summary>
internal sealed record SocketLine(string? Path = null, string? Unit = null, IReadOnlyList<string>? Groups = null, bool Unidentified = false);
