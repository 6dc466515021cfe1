using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Tests.Workloads;

public sealed class WorkloadTests
{
    [Fact]
    public async Task Workloads_are_made_labelled_listed_and_deleted()
    {
        await using var controller = await RunningController.SignedInAsync();
        await controller.RunAsync(ExitCode.Ok, "workloads", "create", "printer", "--address", "192.0.2.9", "--label", "role=printer");
        await controller.RunAsync(ExitCode.Ok, "workloads", "create", "scanner", "--address", "192.0.2.10");
        await controller.RunAsync(ExitCode.Ok, "labels", "set", "printer", "app=office", "env=prod");
        await controller.RunAsync(ExitCode.Ok, "labels", "remove", "printer", "role");

        var found = (await controller.RunAsync(ExitCode.Ok, "workloads", "list", "--select", "app=office", "--output", "json")).Json<Page<WorkloadView>>();
        Assert.Equal(["printer"], found.Items.Select(workload => workload.Name));
        Assert.Equal([("app", "office"), ("env", "prod")], found.Items[0].Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => (label.Key, label.Value)));

        var table = (await controller.RunAsync(ExitCode.Ok, "workloads", "list")).Output;
        Assert.Contains("printer  app=office env=prod", table, StringComparison.Ordinal);
        Assert.Contains("192.0.2.9", (await controller.RunAsync(ExitCode.Ok, "workloads", "show", "printer")).Output, StringComparison.Ordinal);

        await controller.RunAsync(ExitCode.Usage, "workloads", "delete", "printer");
        await controller.RunAsync(ExitCode.Ok, "workloads", "delete", "printer", "--yes");
        await controller.RunAsync(ExitCode.NotFound, "workloads", "show", "printer");
    }

    [Fact]
    public async Task Labels_are_imported_all_or_none_and_only_when_told_to()
    {
        await using var controller = await RunningController.SignedInAsync();
        await controller.RunAsync(ExitCode.Ok, "workloads", "create", "printer", "--address", "192.0.2.9");
        await controller.RunAsync(ExitCode.Ok, "labels", "keys", "declare", "floor");
        var file = controller.Person.File("labels.csv", "workload,role,floor\nprinter,printer,3\n");
        Assert.False((await controller.RunAsync(ExitCode.Ok, "labels", "import", file, "--output", "json")).Json<LabelEditResult>().Applied);
        Assert.Empty(await LabelsOfPrinterAsync());
        Assert.True((await controller.RunAsync(ExitCode.Ok, "labels", "import", file, "--apply", "--output", "json")).Json<LabelEditResult>().Applied);
        Assert.Equal("3", (await LabelsOfPrinterAsync())["floor"]);

        var wrong = controller.Person.File("wrong.csv", "workload,role,colour\nprinter,web,red\nnobody,web,\n");
        var refused = await controller.RunAsync(ExitCode.Refused, "labels", "import", wrong, "--apply");
        Assert.Contains("colour", refused.Error, StringComparison.Ordinal);
        Assert.Contains("nobody", refused.Error, StringComparison.Ordinal);
        Assert.Equal("printer", (await LabelsOfPrinterAsync())["role"]);

        async Task<IReadOnlyDictionary<string, string>> LabelsOfPrinterAsync() =>
            (await controller.RunAsync(ExitCode.Ok, "workloads", "show", "printer", "--output", "json")).Json<WorkloadDetail>().Workload.Labels;
    }

    [Fact]
    public async Task Pairing_keys_are_made_listed_and_revoked()
    {
        await using var controller = await RunningController.SignedInAsync();
        var file = controller.Person.PathOf("pairing.key");
        var made = (await controller.RunAsync(ExitCode.Ok, "pairing-keys", "create", "lab", "--network", "198.18.0.0/24", "--label", "loc=lab", "--max-uses", "3", "--secret-file", file, "--output", "json")).Json<PairingKeyView>();
        Assert.Equal(("lab", 3, "lab"), (made.Name, made.MaxUses, made.Labels["loc"]));
        Assert.NotEmpty(File.ReadAllText(file).Trim());

        var refused = await controller.RunAsync(ExitCode.Refused, "pairing-keys", "create", "lab", "--network", "198.18.0.1/24");
        Assert.Contains("198.18.0.1/24", refused.Error, StringComparison.Ordinal);

        await controller.RunAsync(ExitCode.Ok, "pairing-keys", "revoke", made.Id.ToString());
        Assert.True((await controller.RunAsync(ExitCode.Ok, "pairing-keys", "list", "--output", "json")).Json<PairingKeyView[]>().Single().Revoked);
        Assert.Contains("revoked", (await controller.RunAsync(ExitCode.Ok, "pairing-keys", "list")).Output, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.NotFound, "pairing-keys", "revoke", Guid.Empty.ToString());
    }
}
