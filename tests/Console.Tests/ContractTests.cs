using System.Diagnostics;
using System.Text.Json.Nodes;
using Bulkhead.Console.Tests.Stage;

namespace Bulkhead.Console.Tests;

/// <summary>The console's types are made from <c>console/openapi.json</c>; it is what the controller says today.</summary>
public sealed class ContractTests
{
    [Fact]
    public async Task The_committed_OpenAPI_document_is_the_controllers()
    {
        using var controller = Process.Start(new ProcessStartInfo(RunningController.Program, ["openapi"]) { RedirectStandardOutput = true })!;
        var said = await controller.StandardOutput.ReadToEndAsync();
        await controller.WaitForExitAsync();
        Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(said), JsonNode.Parse(await File.ReadAllTextAsync(Repository.OpenApi))),
            "REST has changed. Run: bulkhead-controller openapi > console/openapi.json && npm --prefix console run api");
    }
}
