using System.Globalization;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy;
using FsCheck;
using FsCheck.Fluent;

namespace Bulkhead.Controller.Tests.Traffic;

public sealed class MapTests
{
    [Fact]
    public async Task Groups_are_joined_by_links_with_the_worst_verdict_of_each_service()
    {
        await using var world = await TrafficAsync();
        Assert.Equal(
            """
            app=,env= group "unlabelled" 1 Visibility/Visibility
            app=payments,env=prod group "payments/prod" 1 Visibility/Visibility
            app=shop,env=dev group "shop/dev" 1 Visibility/Visibility
            app=shop,env=prod group "shop/prod" 3 Full/Visibility
            internet internet "internet" 0 Visibility/Visibility
            network network "unmanaged private addresses" 0 Visibility/Visibility
            app=,env= > network: 1 (0 allowed, 1 potentially, 0 blocked, 0 unknown) tcp/22
            app=shop,env=dev > app=shop,env=prod: 3 (0 allowed, 0 potentially, 2 blocked, 0 unknown) tcp/3306[nc > ]: blocked by default, tcp/8080[nc > ]: blocked by 7
            app=shop,env=prod > app=payments,env=prod: 1 (0 allowed, 1 potentially, 0 blocked, 0 unknown) tcp/443[nginx > ]
            app=shop,env=prod > app=shop,env=prod: 12 (2 allowed, 0 potentially, 0 blocked, 0 unknown) tcp/8080[nginx > shop], tcp/3306[shop > mariadbd]
            internet > app=shop,env=prod: 1 (0 allowed, 1 potentially, 0 blocked, 0 unknown) tcp/80[ > nginx]
            """,
            Text(world.Map()));
    }

    [Fact]
    public async Task A_group_opens_into_its_workloads_with_the_rest_as_it_was()
    {
        await using var world = await TrafficAsync();
        var map = world.Map(within: "app=shop,env=prod", view: TrafficView.Enforced);

        Assert.Equal(["app", "env", "workload"], map.GroupBy);
        Assert.Equal(["app", "db", "internet", "payments/prod", "shop/dev", "web"], map.Groups.Select(group => group.Name).Order(StringComparer.Ordinal));
        Assert.Contains(map.Links, link => link.Source == $"workload:{world["web"].Id}" && link.Destination == $"workload:{world["app"].Id}");
        Assert.DoesNotContain(map.Links, link => link.Destination == "network");
    }

    [Fact]
    public async Task A_group_opens_by_another_key()
    {
        await using var world = await TrafficAsync();
        var map = world.Map("app,env,role", "app=shop,env=prod");

        Assert.Contains(map.Groups, group => group.Id == "app=shop,env=prod,role=db" && group.Name == "shop/prod/db");
        Assert.Contains(map.Groups, group => group.Id == "app=shop,env=dev");
    }

    [Fact]
    public async Task Unmanaged_addresses_are_told_apart_inside_their_group_only()
    {
        await using var world = await TrafficAsync();
        Assert.Contains(world.Map(within: "network").Groups, group => group is { Id: "address:10.9.9.9", Kind: "network" });
    }

    [Fact]
    public async Task Link_local_and_multicast_traffic_is_shown_only_if_asked_for()
    {
        await using var world = new TrafficWorld();
        await world.SeeAsync("fe80::1", "ff02::1", 5353, FlowSide.Source);
        await world.SeeAsync("web", "224.0.0.251", 5353, FlowSide.Source);

        Assert.Empty(world.Map().Links);
        Assert.DoesNotContain(world.Map().Groups, group => group.Kind == "network");
        Assert.Equal(2, world.Map(noise: true).Links.Sum(link => link.Connections));
    }

    [Fact]
    public async Task What_agents_could_not_tell_is_summed_and_named_by_workload()
    {
        await using var world = await TrafficAsync();
        await world.Fixture.SubmitAsync(world.Fixture.Batch(1) with { Agent = world["web"].Id.Value, Gaps = new(0, 4, 2) });
        await world.Fixture.SubmitAsync(world.Fixture.Batch(1) with { Agent = world["db"].Id.Value, Gaps = new(9, 0, 0) });
        await world.Fixture.SubmitAsync(world.Fixture.Batch(1) with { Agent = Agents.B, Gaps = new(1, 0, 0) });

        var gaps = world.Map().Gaps;
        Assert.Equal((10L, 4L, 2L, 3), (gaps.Lost, gaps.Incomplete, gaps.Unnamed, gaps.Agents));
        Assert.Equal(["db 9 0 0", $"{Agents.B} 1 0 0", "web 0 4 2"], gaps.Workloads.Select(workload => $"{workload.Name} {workload.Lost} {workload.Incomplete} {workload.Unnamed}"));
    }

    [Theory]
    [InlineData("colour", null, "unknown-label-key")]
    [InlineData("", null, "bad-grouping")]
    [InlineData("app,app", null, "bad-grouping")]
    [InlineData("workload,app", null, "bad-grouping")]
    [InlineData("app", "nonsense", "bad-group-id")]
    [InlineData("app", "colour=red", "bad-group-id")]
    public void A_grouping_that_cannot_be_is_refused_with_a_reason(string group, string? within, string code)
    {
        var problems = new List<Diagnostic>();
        Assert.Null(MapGrouping.Parse(group, within, new HashSet<string> { "app", "env" }, problems));
        Assert.Equal(code, Assert.Single(problems).Code);
    }

    [Fact]
    public void Whatever_was_seen_the_links_add_up_to_the_flows() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(25),
        Prop.ForAll((int seed) => LinksAddUpAsync(new Random(seed)).GetAwaiter().GetResult()));

    private static async Task<bool> LinksAddUpAsync(Random random)
    {
        await using var world = new TrafficWorld { Enforced = TrafficWorld.RingFence };
        string[] ends = ["web", "app", "db", "dev", "pay", "stray", "8.8.8.8", "10.1.1.1", "192.168.1.1"];
        for (var i = 0; i < 20; i++)
        {
            var (from, to) = (ends[random.Next(ends.Length)], ends[random.Next(ends.Length)]);
            await world.SeeAsync(from, to, (ushort)random.Next(1, 4), (FlowSide)random.Next(2), null, random.Next(5), random.Next(4) == 0);
        }

        var picture = world.Picture();
        return new[] { "app,env", "role", "app,env,workload", "workload" }.All(group => Enum.GetValues<TrafficView>().All(view =>
        {
            var map = world.Map(group, view: view);
            return map.Links.Sum(link => link.Connections) == picture.Sample.Edges.Sum(seen => seen.Connections)
                && map.Links.Sum(link => link.Services.Sum(service => service.Connections)) == picture.Sample.Edges.Sum(seen => seen.Connections)
                && map.Links.Sum(link => link.Bytes) == picture.Sample.Edges.Sum(seen => seen.Bytes)
                && map.Links.Sum(link => link.Verdicts.Allowed + link.Verdicts.PotentiallyBlocked + link.Verdicts.Blocked + link.Verdicts.Unknown) == picture.Sample.Edges.Count
                && map.Links.All(link => map.Groups.Any(node => node.Id == link.Source) && map.Groups.Any(node => node.Id == link.Destination));
        }));
    }

    private static async Task<TrafficWorld> TrafficAsync()
    {
        var world = new TrafficWorld { Enforced = TrafficWorld.RingFence };
        await world.PassAsync("web", "app", 8080, TrafficWorld.Nginx, TrafficWorld.Shop, connections: 7);
        await world.PassAsync("app", "db", 3306, TrafficWorld.Shop, TrafficWorld.Mariadb, connections: 5);
        await world.PassAsync("web", "pay", 443, TrafficWorld.Nginx);
        await world.PassAsync("stray", "10.9.9.9", 22);
        await world.PassAsync("8.8.8.8", "web", 80, null, TrafficWorld.Nginx);
        await world.SeeAsync("dev", "db", 3306, FlowSide.Source, TrafficWorld.Netcat, connections: 2);
        await world.SeeAsync("dev", "db", 3306, FlowSide.Destination, connections: 4, blocked: true);
        await world.SeeAsync("dev", "app", 8080, FlowSide.Source, TrafficWorld.Netcat);
        await world.SeeAsync("dev", "app", 8080, FlowSide.Destination, blocked: true, by: 7);
        return world;
    }

    private static string Text(MapView map) => string.Join(Environment.NewLine, map.Groups
        .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Id} {group.Kind} \"{group.Name}\" {group.Members} {group.Inbound}/{group.Outbound}"))
        .Concat(map.Links.Select(link =>
            $"{link.Source} > {link.Destination}: {link.Connections} ({link.Verdicts.Allowed} allowed, {link.Verdicts.PotentiallyBlocked} potentially, {link.Verdicts.Blocked} blocked, {link.Verdicts.Unknown} unknown) "
            + string.Join(", ", link.Services.Select(Text)))));

    private static string Text(MapService service)
    {
        var processes = service.SourceProcesses.Count + service.DestinationProcesses.Count == 0 ? "" : $"[{string.Join('|', service.SourceProcesses)} > {string.Join('|', service.DestinationProcesses)}]";
        return $"{service.Port}{processes}" + (service.Verdict == VerdictKind.Blocked ? $": blocked by {service.RuleId?.ToString(CultureInfo.InvariantCulture) ?? "default"}" : "");
    }
}
