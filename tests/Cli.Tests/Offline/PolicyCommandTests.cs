using System.Text.Json.Nodes;

namespace Bulkhead.Cli.Tests.Offline;

/// <summary><c>bulkhead policy …</c> on a folder of files, without a controller.</summary>
public sealed class PolicyCommandTests : IDisposable
{
    private readonly OfflineFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Validate_is_silent_on_a_sound_folder_and_names_every_place_on_another()
    {
        Assert.Equal("The policy is well-formed.\n", (await _folder.RunAsync("validate")).Expect(ExitCode.Ok).Output);
        _folder.Replace("shop.yaml", "to: role=web", "too: role=web");
        _folder.Replace("parts/words.yml", "tcp/3306", "tcp/99999");
        _folder.Replace("inventory.yaml", "addresses: [10.0.0.3]", "addresses: [10.0.0]");
        var refused = (await _folder.RunAsync("validate")).Expect(ExitCode.Refused);
        Assert.Contains("words.yml:3:13 services[mariadb].ports[0]: ", refused.Error, StringComparison.Ordinal);
        Assert.Contains("3 errors", refused.Output, StringComparison.Ordinal);
        var problems = (await _folder.RunAsync("validate", "-o", "json")).Expect(ExitCode.Refused).Json<JsonArray>();
        Assert.Equal(
            ["inventory.yaml:12:17 bad-address", "words.yml:3:13 bad-port", "shop.yaml:12:9 unknown-name"],
            problems.Select(p => $"{Path.GetFileName((string)p!["file"]!)}:{p["line"]}:{p["column"]} {p["code"]}"));
    }

    [Fact]
    public async Task Validate_checks_against_the_workloads_of_the_inventory()
    {
        _folder.Replace("parts/words.yml", "ports: [tcp/3306]", "ports: [tcp/3306]\n    process: { unit: mariadb.service }");
        var refused = (await _folder.RunAsync("validate")).Expect(ExitCode.Refused);
        Assert.Contains("shop.yaml:15:9", refused.Error, StringComparison.Ordinal);
        Assert.Contains("unenforceable-deny", refused.Error, StringComparison.Ordinal);
        File.Delete(_folder.PathOf("inventory.yaml"));
        (await _folder.RunAsync("validate")).Expect(ExitCode.Ok);
    }

    [Fact]
    public async Task Validate_looks_at_the_health_of_rules_if_asked()
    {
        _folder.Replace("shop.yaml", "      - from: network:office", "      - from: role=web\n        to: role=db\n        services: [tcp/3306]\n      - from: network:office");
        Assert.Empty((await _folder.RunAsync("validate", "--strict")).Expect(ExitCode.Ok).Error);
        var healthy = (await _folder.RunAsync("validate", "--health")).Expect(ExitCode.Ok);
        Assert.Matches(@"warning \S+shop\.yaml:11:9 .*\[redundant\]", healthy.Error);
        (await _folder.RunAsync("validate", "--health", "--strict")).Expect(ExitCode.Refused);
    }

    [Fact]
    public async Task Validate_names_all_hosts_that_go_without_a_rule()
    {
        _folder.Replace("shop.yaml", "services: [mariadb] # the ring", "services: [mariadb]\n        fromProcess: { path: /bin/shop }");
        var problems = (await _folder.RunAsync("validate", "--health", "-o", "json")).Expect(ExitCode.Ok).Json<JsonArray>();
        Assert.Equal("web1", (string)problems.Single(p => (string)p!["code"]! == "unenforceable")!["evidence"]![0]!);
    }

    [Fact]
    public async Task Files_that_are_no_text_or_cannot_be_read_are_named()
    {
        File.WriteAllBytes(_folder.PathOf("shop.yaml"), [0x61, 0xff, 0xfe]);
        Assert.Matches(@"shop\.yaml:1:2: .*not-utf-8", (await _folder.RunAsync("fmt")).Expect(ExitCode.Refused).Error);
        Assert.Matches(@"shop\.yaml:1:2: .*not-utf-8", (await _folder.RunAsync("validate")).Expect(ExitCode.Refused).Error);
        File.Delete(_folder.PathOf("shop.yaml"));
        File.CreateSymbolicLink(_folder.PathOf("shop.yaml"), "nowhere");
        Assert.Contains("shop.yaml", (await _folder.RunAsync("validate")).Expect(ExitCode.Usage).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Label_keys_come_from_the_inventory_or_the_command_line()
    {
        _folder.Replace("shop.yaml", "to: role=db\n        services: [mariadb]", "to: role=db,team=a\n        services: [mariadb]");
        (await _folder.RunAsync("validate")).Expect(ExitCode.Ok);
        File.Delete(_folder.PathOf("inventory.yaml"));
        Assert.Contains("unknown-label-key", (await _folder.RunAsync("validate")).Expect(ExitCode.Refused).Error, StringComparison.Ordinal);
        (await _folder.RunAsync("validate", "--label-key", "team")).Expect(ExitCode.Ok);
    }

    [Fact]
    public async Task Fmt_changes_what_is_not_in_style_and_nothing_else()
    {
        (await _folder.RunAsync("fmt", "--check")).Expect(ExitCode.Ok);
        var before = _folder.Read("shop.yaml");
        _folder.Replace("shop.yaml", "services: [mariadb] # the ring", "services:   ['mariadb'] # the ring");
        File.SetUnixFileMode(_folder.PathOf("shop.yaml"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.EndsWith("shop.yaml\n", (await _folder.RunAsync("fmt", "--check")).Expect(ExitCode.Refused).Output, StringComparison.Ordinal);
        Assert.NotEqual(before, _folder.Read("shop.yaml"));
        (await _folder.RunAsync("fmt")).Expect(ExitCode.Ok);
        Assert.Equal(before, _folder.Read("shop.yaml"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.PathOf("shop.yaml")));
        _folder.Write("shop.yaml", "ruleset: []\n");
        Assert.Contains("shop.yaml:1:1", (await _folder.RunAsync("fmt")).Expect(ExitCode.Refused).Error, StringComparison.Ordinal);
        Assert.Equal("ruleset: []\n", _folder.Read("shop.yaml"));
    }

    [Fact]
    public async Task Compile_shows_every_host_and_one_entry_by_entry()
    {
        var all = (await _folder.RunAsync("compile", "-o", "json")).Expect(ExitCode.Ok).Json<JsonObject>();
        Assert.Equal(["db1 full selective 2 0", "web1 full selective 1 2"], all["hosts"]!.AsArray().Select(h => $"{h!["host"]} {h["inbound"]} {h["outbound"]} {h["inboundEntries"]} {h["outboundEntries"]}"));
        var table = (await _folder.RunAsync("compile", "--host", "db1")).Expect(ExitCode.Ok).Output;
        Assert.Matches(@"inbound +allow +10\.0\.0\.1 fd00::1 +tcp/3306 +\S+shop\.yaml:7, ruleset shop, owner ann", table);
        Assert.Matches(@"inbound +deny +10\.0\.0\.1 fd00::1 +tcp/22 tcp/3306 +\S+shop\.yaml:15, ruleset shop", table);
        Assert.Contains("web1", (await _folder.RunAsync("compile", "--host", "web2")).Expect(ExitCode.NotFound).Error, StringComparison.Ordinal);
        Assert.Contains("not managed", (await _folder.RunAsync("compile", "--host", "dev1")).Expect(ExitCode.Refused).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web1", "db1", "tcp/3306", "allowed", "shop.yaml:7", "shop.yaml:15")]
    [InlineData("web1", "fd00::2", "tcp/22", "blocked", "shop.yaml:15", "")]
    [InlineData("192.0.2.9", "web1", "tcp/443", "allowed", "shop.yaml:11", "")]
    [InlineData("dev1", "db1", "tcp/3306", "blocked", "no rule allows it, and the mode is full", "")]
    [InlineData("web1", "192.0.2.9", "udp/53", "potentially blocked", "no rule allows it; it passes because the mode is selective", "")]
    public async Task Explain_names_the_line_that_decides(string from, string to, string port, string verdict, string because, string others)
    {
        var said = (await _folder.RunAsync("explain", "--from", from, "--to", to, "--port", port)).Expect(ExitCode.Ok).Output;
        Assert.Contains($" {port}: {verdict}\n", said, StringComparison.Ordinal);
        Assert.Contains(because, said, StringComparison.Ordinal);
        Assert.Contains(others, said, StringComparison.Ordinal);
        var kind = verdict == "potentially blocked" ? "potentiallyBlocked" : verdict;
        (await _folder.RunAsync("explain", "--from", from, "--to", to, "--port", port, "--expect", kind)).Expect(ExitCode.Ok);
        (await _folder.RunAsync("explain", "--from", from, "--to", to, "--port", port, "--expect", "unknown")).Expect(ExitCode.Refused);
    }

    [Fact]
    public async Task Explain_says_what_would_allow_it()
    {
        var blocked = (await _folder.RunAsync("explain", "--from", "dev1", "--to", "db1", "--port", "tcp/3306")).Expect(ExitCode.Ok).Output;
        Assert.Contains("to allow it: Add to ruleset 'shop': allow ", blocked, StringComparison.Ordinal);
        Assert.DoesNotContain("to allow it", (await _folder.RunAsync("explain", "--from", "web1", "--to", "db1", "--port", "tcp/3306")).Expect(ExitCode.Ok).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_with_one_end_says_who_reaches_it_or_what_it_reaches()
    {
        var reach = (await _folder.RunAsync("explain", "--to", "db1", "--port", "tcp/3306", "-o", "json")).Expect(ExitCode.Ok).Json<JsonObject>();
        Assert.Equal(["dev1 blocked", "web1 allowed"], reach["others"]!.AsArray().Where(o => o!["network"] is null).Select(o => $"{o!["example"]} {o["verdict"]}").Order(StringComparer.Ordinal));
        var table = (await _folder.RunAsync("explain", "--from", "web1", "--port", "tcp/3306")).Expect(ExitCode.Ok).Output;
        Assert.Contains("db1", table, StringComparison.Ordinal);
        Assert.Contains("Name a consumer", (await _folder.RunAsync("explain", "--port", "tcp/3306")).Expect(ExitCode.Usage).Error, StringComparison.Ordinal);
        Assert.Contains("no workload", (await _folder.RunAsync("explain", "--from", "192.0.2.9", "--port", "tcp/3306")).Expect(ExitCode.Refused).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_asks_for_processes_and_says_what_is_left_out()
    {
        _folder.Replace("shop.yaml", "services: [mariadb] # the ring", "services: [mariadb]\n        fromProcess: { path: /bin/shop }");
        string[] connection = ["--from", "web1", "--to", "db1", "--port", "tcp/3306"];
        Assert.Contains("left out: ", (await _folder.RunAsync("explain", connection)).Expect(ExitCode.Ok).Output, StringComparison.Ordinal);
        _folder.Replace("shop.yaml", "outbound: selective", "outbound: full");
        _folder.Replace("inventory.yaml", "addresses: [10.0.0.1, \"fd00::1\"]", "addresses: [10.0.0.1, \"fd00::1\"]\n    features: [all]");
        (await _folder.RunAsync("explain", [.. connection, "--expect", "unknown"])).Expect(ExitCode.Ok);
        (await _folder.RunAsync("explain", [.. connection, "--process", "/bin/shop", "--expect", "allowed"])).Expect(ExitCode.Ok);
        (await _folder.RunAsync("explain", [.. connection, "--process", "/bin/sh", "--expect", "blocked"])).Expect(ExitCode.Ok);
    }

    [Theory]
    [InlineData(ExitCode.NotFound, "--from", "web9", "--to", "db1", "--port", "tcp/1")]
    [InlineData(ExitCode.Usage, "--from", "web1", "--to", "db1", "--port", "tcp/1-9")]
    [InlineData(ExitCode.Usage, "--from", "web1", "--to", "db1", "--port", "https")]
    [InlineData(ExitCode.Refused, "--from", "fd00::1", "--to", "10.0.0.2", "--port", "tcp/1")]
    [InlineData(ExitCode.Usage, "--from", "web1", "--to", "db1")]
    [InlineData(ExitCode.Usage, "--from", "web1", "--to", "db1", "--port", "tcp/1", "--process", "relative")]
    [InlineData(ExitCode.Usage, "--from", "web1", "--to", "db1", "--port", "tcp/1", "--serving-process", "./relative")]
    [InlineData(ExitCode.Usage, "--from", "web1", "--to", "db1", "--port", "tcp/1", "--process", "/bin/sh", "--unidentified")]
    [InlineData(ExitCode.Usage, "--rule", "1", "--from", "web1")]
    [InlineData(ExitCode.NotFound, "--rule", "99")]
    public async Task Explain_says_what_it_cannot_answer(int code, params string[] arguments) =>
        Assert.NotEmpty((await _folder.RunAsync("explain", arguments)).Expect(code).Error);

    [Fact]
    public async Task Explain_judges_every_pair_of_addresses_and_expects_it_of_all()
    {
        _folder.Replace("parts/words.yml", "addresses: [192.0.2.0/24, \"2001:db8::/32\"]", "addresses: [192.0.2.0/24, \"2001:db8::/32\"]\n  - name: v4\n    addresses: [10.0.0.1]");
        _folder.Replace("shop.yaml", "from: network:office\n        to: role=web\n        services: [tcp/443]\n        within: to", "from: network:v4\n        to: role=db\n        services: [tcp/5432]\n        within: to");
        string[] connection = ["--from", "web1", "--to", "db1", "--port", "tcp/5432"];
        var said = (await _folder.RunAsync("explain", connection)).Expect(ExitCode.Ok).Output;
        Assert.Contains("web1 → db1 (fd00::1 → fd00::2) tcp/5432: blocked\n", said, StringComparison.Ordinal);
        Assert.Contains("web1 → db1 (10.0.0.1 → 10.0.0.2) tcp/5432: potentially blocked\n", said, StringComparison.Ordinal);
        (await _folder.RunAsync("explain", [.. connection, "--expect", "potentiallyBlocked"])).Expect(ExitCode.Refused);
        Assert.Contains("10.0.0.1 → 10.0.0.2 is potentially blocked", (await _folder.RunAsync("explain", [.. connection, "--expect", "blocked"])).Expect(ExitCode.Refused).Error, StringComparison.Ordinal);
        var reach = (await _folder.RunAsync("explain", "--to", "db1", "--port", "tcp/5432")).Expect(ExitCode.Ok).Output;
        Assert.Contains("web1 (10.0.0.1 → 10.0.0.2)", reach, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_without_a_port_goes_through_those_that_rules_name()
    {
        var reach = (await _folder.RunAsync("explain", "--to", "db1", "-o", "json")).Expect(ExitCode.Ok).Json<JsonObject>();
        // Replies of DHCP are essential, whatever the rules say.
        Assert.Equal(["tcp/3306", "udp/68", "udp/68"], reach["others"]!.AsArray().Where(o => (string)o!["verdict"]! == "allowed").Select(o => (string)o!["port"]!));
        Assert.Contains("tcp/0-21", reach["others"]!.AsArray().Select(o => (string)o!["port"]!));
        Assert.Matches(@"tcp/3306 +web1 ", (await _folder.RunAsync("explain", "--to", "db1")).Expect(ExitCode.Ok).Output);
    }

    [Fact]
    public async Task Explain_takes_a_socket_that_the_kernel_could_not_identify()
    {
        _folder.Replace("shop.yaml", "services: [mariadb] # the ring", "services: [mariadb]\n        fromProcess: { path: /bin/shop }");
        _folder.Replace("shop.yaml", "outbound: selective", "outbound: full");
        _folder.Replace("inventory.yaml", "addresses: [10.0.0.1, \"fd00::1\"]", "addresses: [10.0.0.1, \"fd00::1\"]\n    features: [all]");
        (await _folder.RunAsync("explain", "--from", "web1", "--to", "db1", "--port", "tcp/3306", "--unidentified", "--expect", "blocked")).Expect(ExitCode.Ok);
    }

    [Fact]
    public async Task Explain_says_what_a_rule_touches_and_who_goes_without()
    {
        _folder.Replace("shop.yaml", "services: [mariadb] # the ring", "services: [mariadb]\n        fromProcess: { path: /bin/shop }");
        var touch = (await _folder.RunAsync("explain", "--rule", "1", "-o", "json")).Expect(ExitCode.Ok).Json<JsonObject>();
        Assert.Equal((7, "web1", "db1", "db1"), ((int)touch["rule"]!["line"]!, (string)touch["consumers"]![0]!, (string)touch["providers"]![0]!, (string)touch["hosts"]![0]!));
        Assert.Contains("web1 goes without it", (await _folder.RunAsync("explain", "--rule", "1")).Expect(ExitCode.Ok).Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compile_shows_what_comes_before_rules()
    {
        _folder.Write("parts/safe.yaml", "failSafe:\n  - network: office\n    ports: [tcp/22]\nnetworks:\n  - name: responders\n    addresses: [198.51.100.0/24]\n");
        _folder.Replace("inventory.yaml", "addresses: [10.0.0.3]", "addresses: [10.0.0.3]\n    quarantined: true");
        var sheet = (await _folder.RunAsync("compile", "--host", "db1")).Expect(ExitCode.Ok).Output;
        Assert.Matches(@"cut off +10\.0\.0\.3", sheet);
        Assert.Matches(@"fail-safe +tcp/22 from 192\.0\.2\.0/24", sheet);
        var json = (await _folder.RunAsync("compile", "--host", "db1", "-o", "json")).Expect(ExitCode.Ok).Json<JsonObject>();
        Assert.Equal("198.51.100.0/24", (string)json["responders"]![0]!);
        _folder.Replace("inventory.yaml", "addresses: [\"fd00::2\", 10.0.0.2]", "addresses: [\"fd00::2\", 10.0.0.2]\n    quarantined: true");
        Assert.Matches(@"quarantine +cut off in every mode", (await _folder.RunAsync("compile", "--host", "db1")).Expect(ExitCode.Ok).Output);
    }

    [Fact]
    public async Task An_entry_that_several_scopes_give_is_shown_once()
    {
        _folder.Replace("shop.yaml", "      - selector: app=shop,env=@live\n", "      - selector: app=shop,env=@live\n      - selector: env=prod\n");
        var lines = (await _folder.RunAsync("compile", "--host", "db1")).Expect(ExitCode.Ok).Output.Split('\n').Where(line => line.StartsWith("inbound  ", StringComparison.Ordinal)).ToList();
        Assert.Equal(lines.Distinct(), lines);
        Assert.Contains(lines, line => line.Contains("tcp/3306", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Findings_and_remedies_name_rules_by_their_place()
    {
        _folder.Replace("shop.yaml", "      - from: network:office", "      - from: role=web\n        to: role=db\n        services: [tcp/3306]\n      - from: network:office");
        Assert.Matches(@"by the rule at \S+shop\.yaml:7 \(ruleset shop\)", (await _folder.RunAsync("validate", "--health")).Expect(ExitCode.Ok).Error.ReplaceLineEndings(" "));
        _folder.Replace("inventory.yaml", ", team: a", "");
        Assert.Contains("shop.yaml:7 (ruleset shop)", (await _folder.RunAsync("explain", "--from", "web1", "--to", "db1", "--port", "tcp/9")).Expect(ExitCode.Ok).Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Assert_proves_and_points_at_the_rules_of_a_counterexample()
    {
        Assert.Matches(@"dev stays out +held", (await _folder.RunAsync("assert")).Expect(ExitCode.Ok).Output);
        _folder.Replace("shop.yaml", "    owner: security", "    owner: security\n  - name: no web to db\n    never: { from: role=web, to: role=db, services: [tcp/3306] }");
        var outcomes = (await _folder.RunAsync("assert", "-o", "json")).Expect(ExitCode.Refused).Json<JsonArray>();
        var violated = outcomes.Single(o => (string)o!["status"]! == "violated")!;
        Assert.Equal(("no web to db", 32), ((string)violated["name"]!, (int)violated["line"]!));
        Assert.Equal(7, (int)violated["decidedBy"]![0]!["line"]!);
    }

    [Fact]
    public async Task What_is_missing_is_said()
    {
        File.Delete(_folder.PathOf("inventory.yaml"));
        Assert.Contains("--inventory", (await _folder.RunAsync("compile")).Expect(ExitCode.Usage).Error, StringComparison.Ordinal);
        (await _folder.RunAsync("validate", _folder.PathOf("none"))).Expect(ExitCode.NotFound);
        File.Delete(_folder.PathOf("shop.yaml"));
        File.Delete(_folder.PathOf("parts/words.yml"));
        (await _folder.RunAsync("validate")).Expect(ExitCode.NotFound);
    }

    [Theory]
    [InlineData("Bulkhead policy file")]
    [InlineData("Bulkhead policy file", "policy")]
    [InlineData("Bulkhead inventory file", "inventory")]
    public async Task Schema_prints_what_editors_need(string title, params string[] kind)
    {
        using var session = new Session();
        Assert.Equal(title, (string)(await session.RunAsync(["policy", "schema", .. kind])).Expect(ExitCode.Ok).Json<JsonObject>()["title"]!);
    }
}
