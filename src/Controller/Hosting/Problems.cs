using Bulkhead.Contracts.Rest;
using Bulkhead.Policy;

namespace Bulkhead.Controller.Hosting;

/// <summary>Makes the bodies of errors.</summary>
public static class Problems
{
    /// <summary>422: the input is wrong; every problem of it is listed.</summary>
    public static Problem Invalid(IEnumerable<Diagnostic> diagnostics)
    {
        var views = diagnostics.Select(ToView).ToList();
        var errors = views.Count(view => view.Severity == "error");
        return new(StatusCodes.Status422UnprocessableEntity, "invalid", errors == 1 ? "The input has a problem; nothing was changed." : $"The input has {errors} problems; nothing was changed.", null, views);
    }

    /// <summary>404: there is no such thing.</summary>
    public static Problem NotFound(string what, string name) =>
        new(StatusCodes.Status404NotFound, "not-found", $"There is no {what} '{name}'.", null, []);

    /// <summary>409: it does not fit what is there.</summary>
    public static Problem Conflict(string code, string title, string? detail = null, IEnumerable<Diagnostic>? diagnostics = null) =>
        new(StatusCodes.Status409Conflict, code, title, detail, [.. (diagnostics ?? []).Select(ToView)]);

    /// <summary>Any other error.</summary>
    public static Problem Of(int status, string code, string title, string? detail = null) => new(status, code, title, detail, []);

    /// <summary>A diagnostic as REST carries it.</summary>
    public static DiagnosticView ToView(this Diagnostic diagnostic) =>
        new(diagnostic.Severity == Severity.Error ? "error" : "warning", diagnostic.Code, diagnostic.Path, diagnostic.Message);
}
