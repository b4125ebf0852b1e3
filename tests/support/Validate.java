import java.io.FileInputStream;
import java.util.Set;
import java.util.TreeSet;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.VeraPDFFoundry;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Prints, for each file and standard, the file, the standard, and the clauses that it breaks. */
public class Validate {
    public static void main(String[] files) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        VeraPDFFoundry vera = Foundries.defaultInstance();
        for (String file : files) {
            for (PDFAFlavour standard : new PDFAFlavour[] {PDFAFlavour.PDFA_3_A, PDFAFlavour.PDFUA_1}) {
                try (PDFAParser parser = vera.createParser(new FileInputStream(file), standard)) {
                    ValidationResult result = vera.createValidator(standard, false).validate(parser);
                    Set<String> broken = new TreeSet<>();
                    for (TestAssertion each : result.getTestAssertions()) {
                        broken.add(each.getRuleId().getClause());
                    }
                    String verdict = result.isCompliant() ? "" : String.join(" ", broken) + " !";
                    System.out.println(file + "\t" + standard.getId() + "\t" + verdict.trim());
                }
            }
        }
    }
}
