using System.Reflection;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Tests.Golden;

namespace Bulkhead.Enforcement.Tests;

/// <summary>
/// What chosen hosts of the scenarios give to nft, reviewed by eye; the firewall tests give the same files to the real nft. With
/// BULKHEAD_REGENERATE=1 the files are written anew, to be reviewed as a difference; never where CI is set.
/// </summary>
public class ScenarioTests
{
    private static readonly bool _regenerate = Environment.GetEnvironmentVariable("BULKHEAD_REGENERATE") == "1" && Environment.GetEnvironmentVariable("CI") is null;
    private static readonly string _root = typeof(ScenarioTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "ScenariosFolder").Value!;

    public static TheoryData<string> Names() => [.. Scenario.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_hosts_document_is_the_reviewed_one(string name)
    {
        var scenario = Scenario.Load(name);
        var compiled = scenario.Estate.Compile();
        Assert.NotEmpty(scenario.Expected.Documents ?? []);
        foreach (var host in scenario.Expected.Documents!)
        {
            var policy = compiled.Hosts[scenario.Estate.Workloads.Single(w => w.Name == host).Id];
            var actual = NftScript.Replace(FirewallRenderer.Render(policy, NameLookups.None));
            var file = Path.Combine(_root, name, $"{host}.nft");
            if (_regenerate)
            {
                File.WriteAllText(file, actual);
            }

            Assert.Equal(File.Exists(file) ? File.ReadAllText(file) : "", actual);
        }
    }
}
